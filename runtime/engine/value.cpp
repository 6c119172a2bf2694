#include "runtime/engine/value.hpp"

namespace troupe {

const shared_value& null_value() noexcept {
  static const shared_value null = share(nullptr);
  return null;
}

result<shared_value> value_ref::get(blob_port& blobs) const {
  if (inline_)
    return inline_;
  if (blob_)
    return blobs.load(blob_->id);
  return null_value();
}

value_ref keep(shared_value v, blob_port& blobs) {
  if (json::written_size(*v, inline_bytes_max) <= inline_bytes_max)
    return value_ref{std::move(v)};
  auto text = json::write(*v);
  const auto bytes = text.size();
  return value_ref{blobs.save(std::move(text)), bytes};
}

} // namespace troupe
