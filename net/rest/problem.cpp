#include "net/rest/problem.hpp"

#include "runtime/base/json.hpp"

namespace troupe::rest {

unsigned status_of(failure_kind kind) noexcept {
  switch (kind) {
  case failure_kind::malformed: return 400;
  case failure_kind::unauthenticated: return 401;
  case failure_kind::payment: return 402;
  case failure_kind::forbidden: return 403;
  case failure_kind::not_found: return 404;
  case failure_kind::not_allowed: return 405;
  case failure_kind::conflict: return 409;
  case failure_kind::gone: return 410;
  case failure_kind::precondition: return 412;
  case failure_kind::too_large: return 413;
  case failure_kind::unsupported: return 415;
  case failure_kind::invalid: return 422;
  case failure_kind::exhausted: return 429;
  case failure_kind::header_too_large: return 431;
  case failure_kind::internal: return 500;
  case failure_kind::upstream: return 502;
  case failure_kind::unavailable: return 503;
  case failure_kind::storage_full: return 507;
  }
  return 500;
}

std::string_view title_of(unsigned status) noexcept {
  switch (status) {
  case 400: return "Bad Request";
  case 401: return "Unauthorized";
  case 402: return "Payment Required";
  case 403: return "Forbidden";
  case 404: return "Not Found";
  case 405: return "Method Not Allowed";
  case 408: return "Request Timeout";
  case 409: return "Conflict";
  case 410: return "Gone";
  case 412: return "Precondition Failed";
  case 413: return "Content Too Large";
  case 415: return "Unsupported Media Type";
  case 422: return "Unprocessable Content";
  case 429: return "Too Many Requests";
  case 431: return "Request Header Fields Too Large";
  case 500: return "Internal Server Error";
  case 501: return "Not Implemented";
  case 502: return "Bad Gateway";
  case 503: return "Service Unavailable";
  case 505: return "HTTP Version Not Supported";
  case 507: return "Insufficient Storage";
  default: return "Error";
  }
}

http::response to_problem(const failure& why, std::string_view request_id, unsigned status) {
  const unsigned code = status == 0 ? status_of(why.kind) : status;
  std::string body = R"({"type":)";
  json::write_string(body, why.code.empty() ? "about:blank" : "urn:troupe:problem:" + why.code);
  body += R"(,"title":)";
  json::write_string(body, title_of(code));
  body += R"(,"status":)" + std::to_string(code) + R"(,"detail":)";
  json::write_string(body, why.message);
  body += R"(,"code":)";
  json::write_string(body, why.code.empty() ? "error" : why.code);
  if (!why.hint.empty()) {
    body += R"(,"hint":)";
    json::write_string(body, why.hint);
  }
  if (!why.node_errors.empty()) {
    body += R"(,"node_errors":[)";
    for (const auto& e : why.node_errors) {
      body += body.back() == '[' ? R"({"node":)" : R"(,{"node":)";
      json::write_string(body, e.node);
      body += R"(,"field":)";
      json::write_string(body, e.field);
      body += R"(,"code":)";
      json::write_string(body, e.code);
      body += R"(,"message":)";
      json::write_string(body, e.message);
      body += '}';
    }
    body += ']';
  }
  body += R"(,"request_id":)";
  json::write_string(body, request_id);
  body += '}';
  http::response out{code, {{"Content-Type", "application/problem+json"}}, std::move(body), {}};
  if (code == 401)
    out.headers.emplace_back("WWW-Authenticate", "Bearer");
  return out;
}

} // namespace troupe::rest
