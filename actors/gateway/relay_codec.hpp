// A client's request on its way to the node that leads its partition, and the answer on its way
// back. Private to this folder.
#pragma once

#include "net/http/server.hpp"
#include "runtime/base/result.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace troupe::gate {

//   request  version u8 | redirects u8 | control_told u64 | method u8 | verb | path | query |
//            headers | remote address | body
//   answer   version u8 | 1 | status u16 | headers | body
//            version u8 | 2 | kind u8 | code | message | hint          (a refusal)
// A text stands behind its length (u32); query and headers are u16 pairs of texts. Nothing follows.

using header_list = std::vector<std::pair<std::string, std::string>>;

/// What the asking node says beyond the client's request. No header carries it: a client cannot.
struct relay_facts {
  std::uint8_t redirects = 0;     ///< nodes that were asked for this request in a row
  std::uint64_t control_told = 0; ///< newest index of control that the asking node's clients know
};

struct relayed_request {
  relay_facts facts;
  http::request what; ///< `target` is the path
};

/// The request with other headers than its own. At most 65,535 of them.
std::string encode_request(const http::request& what, const header_list& headers,
                           const relay_facts& facts);
/// Fails with kind `malformed`, code "relay_malformed", or kind `unsupported`, code
/// "relay_version". Takes no more memory than a small multiple of the bytes.
result<relayed_request> decode_request(std::string_view bytes);

/// A response, or why the request must be served elsewhere or cannot be (without node errors).
using relayed_answer = std::variant<http::response, failure>;
std::string encode_answer(const http::response& what);
std::string encode_refusal(const failure& why);
/// Fails as decode_request() does.
result<relayed_answer> decode_answer(std::string_view bytes);

} // namespace troupe::gate
