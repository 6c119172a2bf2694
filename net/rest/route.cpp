#include "net/rest/route.hpp"

#include <vector>

namespace troupe::rest {

namespace {

std::vector<route> joined() {
  std::vector<route> all;
  for (const auto part : {workflow_routes(), execution_routes(), skill_routes(), system_routes()})
    all.insert(all.end(), part.begin(), part.end());
  return all;
}

} // namespace

std::span<const route> routes() {
  static const std::vector<route> all = joined();
  return all;
}

std::string_view to_text(http::method verb) noexcept {
  switch (verb) {
  case http::method::get: return "GET";
  case http::method::head: return "HEAD";
  case http::method::post: return "POST";
  case http::method::put: return "PUT";
  case http::method::patch: return "PATCH";
  case http::method::delete_: return "DELETE";
  case http::method::options: return "OPTIONS";
  case http::method::other: break;
  }
  return "OTHER";
}

std::string operation_id(std::size_t index) {
  const auto all = routes();
  std::size_t earlier = 0;
  for (std::size_t i = 0; i < index; ++i)
    earlier += all[i].handler == all[index].handler ? 1 : 0;
  std::string id(all[index].handler);
  return earlier == 0 ? id : id + "_" + std::to_string(earlier + 1);
}

} // namespace troupe::rest
