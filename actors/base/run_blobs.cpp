#include "actors/base/run_blobs.hpp"

#include "persistence/store/digest.hpp"

namespace troupe {

namespace {

std::string_view bytes_of(const blob_id& id) {
  return {reinterpret_cast<const char*>(id.data()), id.size()};
}

result<shared_value> parsed(std::string_view text) {
  auto v = json::parse(text, {.depth_max = 256, .bytes_max = std::size_t{1} << 30});
  if (!v)
    return v.error();
  return share(std::move(*v));
}

} // namespace

std::string blob_key(partition_id partition, const blob_id& id) {
  return key_builder(partition).raw(bytes_of(id)).take();
}

std::string blob_ref_key(partition_id partition, const blob_id& id, const run_id& run) {
  return key_builder(partition).raw(bytes_of(id)).id(run.id).take();
}

blob_id run_blobs::save(std::string text) {
  const blob_id id = sha256(text);
  saved_.try_emplace(id, std::move(text));
  return id;
}

result<shared_value> run_blobs::load(const blob_id& id) {
  if (auto known = shared_.blobs.find(id))
    return known;
  std::optional<std::string> text;
  if (const auto fresh = saved_.find(id); fresh != saved_.end()) {
    text = fresh->second;
  } else if (const auto waiting = in_flight_.find(id); waiting != in_flight_.end()) {
    return waiting->second.value;
  } else {
    auto row = shared_.rows.get(table::blobs, blob_key(partition_, id));
    if (!row)
      return row.error();
    text = std::move(*row);
  }
  if (!text)
    return failure{failure_kind::internal, "blob_missing", "a large value is not stored", {}, {}};
  auto v = parsed(*text);
  if (v)
    shared_.blobs.keep(id, *v, text->size());
  return v;
}

void run_blobs::take_row(const blob_id& id, std::string text, std::vector<row_change>& into) {
  if (auto v = parsed(text)) {
    shared_.blobs.keep(id, *v, text.size());
    in_flight_.insert_or_assign(
        id, sent_value{std::move(*v), {shared_.budget, budget_kind::blobs, text.size()}});
  }
  into.push_back({table::blobs, blob_key(partition_, id), std::move(text), {}});
}

void run_blobs::committed() {
  in_flight_.clear();
  pinned_.clear();
}

void run_blobs::take_rows(const std::vector<blob_id>& named, std::vector<row_change>& into) {
  committed();
  for (const auto& id : named) {
    pinned_.push_back(shared_.pins.pin(blob_key(partition_, id)));
    into.push_back({table::blob_refs, blob_ref_key(partition_, id, run_), std::string(), {}});
    if (auto fresh = saved_.extract(id))
      take_row(id, std::move(fresh.mapped()), into);
  }
  saved_.clear();
}

} // namespace troupe
