#include "runtime/expr/pattern.hpp"

#include <re2/re2.h>

#include <string>

namespace troupe::expr {

namespace {

constexpr std::int64_t memory_bytes_max = 256 << 10;
/// The slowest way of matching looks at each instruction once a byte.
constexpr std::uint64_t instructions_an_operation = 1'024;

failure wrong(std::string message) {
  return invalid("regex_invalid", std::move(message));
}

RE2::Options options() {
  RE2::Options how;
  how.set_max_mem(memory_bytes_max);
  how.set_log_errors(false);
  return how;
}

} // namespace

struct pattern::compiled {
  explicit compiled(std::string_view text)
      : re(re2::StringPiece(text.data(), text.size()), options()) {}
  RE2 re;
};

pattern::pattern(std::unique_ptr<const compiled> it) : it_(std::move(it)) {}
pattern::~pattern() = default;

std::optional<std::string_view> pattern::find(std::string_view text) const {
  if (text.empty())
    text = "";
  re2::StringPiece groups[2];
  const int wanted = it_->re.NumberOfCapturingGroups() > 0 ? 2 : 1;
  const re2::StringPiece in(text.data(), text.size());
  if (!it_->re.Match(in, 0, in.size(), RE2::UNANCHORED, groups, wanted))
    return std::nullopt;
  const auto& found = groups[wanted - 1];
  return found.data() == nullptr ? std::nullopt
                                 : std::optional(std::string_view(found.data(), found.size()));
}

std::uint64_t pattern::cost(std::size_t text_bytes) const {
  const auto size = static_cast<std::uint64_t>(it_->re.ProgramSize());
  return 1 + text_bytes * size / instructions_an_operation;
}

result<std::shared_ptr<const pattern>> compile_pattern(std::string_view text) {
  if (text.size() > pattern_bytes_max)
    return wrong("a regular expression has at most " + std::to_string(pattern_bytes_max) +
                 " bytes");
  auto made = std::make_unique<const pattern::compiled>(text);
  if (!made->re.ok())
    return wrong("the regular expression is not valid: " + made->re.error());
  return std::make_shared<const pattern>(std::move(made));
}

} // namespace troupe::expr
