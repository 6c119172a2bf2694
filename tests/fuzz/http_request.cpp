// Feeds one input to the reading of heads and chunked bodies whole and in pieces: the verdict must
// not depend on how bytes arrive.
#include "net/http/chunked.hpp"
#include "net/http/head.hpp"
#include "net/http/text.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace {

using namespace troupe;
using namespace troupe::http;
using namespace troupe::http::detail;

struct verdict {
  unsigned status = 0; ///< 0: more bytes are needed; 200: complete
  std::string code, target, path, body;
  std::size_t used = 0;
  bool operator==(const verdict&) const = default;
};

// `step` bytes at a time.
verdict read(std::string_view input, std::size_t step) {
  server_limits limits;
  limits.header_bytes_max = 4096;
  limits.request_line_bytes_max = 512;
  head_scanner scanner;
  std::size_t seen = 0;
  bool complete = false;
  while (seen < input.size() && !complete && !scanner.refused()) {
    seen = std::min(input.size(), seen + step);
    complete = scanner.scan(input.substr(0, seen), limits);
  }
  if (scanner.refused())
    return {scanner.refused()->status, {}, {}, {}, {}, 0};
  if (!complete)
    return {};
  request made;
  head_facts facts;
  if (const auto why = read_head(input.substr(0, scanner.size()), made, facts))
    return {why->status, why->why.code, {}, {}, {}, 0};
  check(made.path.starts_with('/') || made.path.empty() || made.target[0] == '/', "path");
  check(is_utf8(made.path) && made.path.find('\0') == std::string::npos, "path text");
  verdict out{200, {}, made.target, made.path, {}, scanner.size()};
  if (!facts.chunked)
    return out;
  chunked_decoder chunks;
  bool ended = false;
  while (out.used < input.size() && !ended && !chunks.refused()) {
    auto piece = input.substr(out.used, step);
    const auto before = piece.size();
    ended = chunks.feed(piece, out.body, 1u << 16);
    out.used += before - piece.size();
  }
  check(out.body.size() <= (1u << 16), "body limit");
  if (chunks.refused())
    return {chunks.refused()->status, chunks.refused()->why.code, {}, {}, {}, 0};
  out.status = ended ? 200 : 0;
  return out;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const auto whole = read(input, size + 1);
  check(read(input, 1) == whole && read(input, 7) == whole, "pieces change the reading");
  return 0;
}
