#include "net/provider/yaml.hpp"

#include "runtime/base/utf8.hpp"

#include <yaml-cpp/depthguard.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>
#include <optional>
#include <sstream>
#include <vector>

namespace troupe::provider {

namespace {

constexpr std::size_t node_cost_bytes = 64;

failure malformed(std::string code, std::string message) {
  return {failure_kind::malformed, std::move(code), std::move(message), {}, {}};
}

template <class T> bool whole(std::string_view text, int base, T& out) {
  const auto end = text.data() + text.size();
  const auto [at, ec] = std::from_chars(text.data(), end, out, base);
  return ec == std::errc{} && at == end && !text.empty();
}

bool digits_only(std::string_view text) noexcept {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

/// [-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?
bool looks_like_number(std::string_view t) noexcept {
  const auto skip_digits = [&t] {
    std::size_t n = 0;
    for (; !t.empty() && t.front() >= '0' && t.front() <= '9'; ++n)
      t.remove_prefix(1);
    return n;
  };
  if (!t.empty() && (t.front() == '-' || t.front() == '+'))
    t.remove_prefix(1);
  const auto before = skip_digits();
  std::size_t after = 0;
  if (!t.empty() && t.front() == '.') {
    t.remove_prefix(1);
    after = skip_digits();
  }
  if (before + after == 0)
    return false;
  if (!t.empty() && (t.front() == 'e' || t.front() == 'E')) {
    t.remove_prefix(1);
    if (!t.empty() && (t.front() == '-' || t.front() == '+'))
      t.remove_prefix(1);
    if (skip_digits() == 0)
      return false;
  }
  return t.empty();
}

bool infinite(std::string_view t) noexcept {
  if (!t.empty() && (t.front() == '-' || t.front() == '+'))
    t.remove_prefix(1);
  for (const std::string_view word : {".inf", ".Inf", ".INF", ".nan", ".NaN", ".NAN"})
    if (t == word)
      return true;
  return false;
}

/// A decimal number that looks_like_number. Nothing when it is not finite.
std::optional<json::value> number(std::string_view text) {
  if (text.front() == '+')
    text.remove_prefix(1);
  if (digits_only(text.front() == '-' ? text.substr(1) : text)) {
    if (std::int64_t n = 0; whole(text, 10, n))
      return json::value(n);
    if (std::uint64_t n = 0; whole(text, 10, n))
      return json::value(n);
  }
  double n = 0;
  const auto [at, ec] = std::from_chars(text.data(), text.data() + text.size(), n);
  if (ec != std::errc{} || !std::isfinite(n))
    return std::nullopt;
  return json::value(n);
}

/// A plain scalar by the core schema. Nothing: no JSON value.
std::optional<json::value> plain(std::string_view t) {
  if (t.empty() || t == "~" || t == "null" || t == "Null" || t == "NULL")
    return json::value(nullptr);
  if (t == "true" || t == "True" || t == "TRUE")
    return json::value(true);
  if (t == "false" || t == "False" || t == "FALSE")
    return json::value(false);
  for (const auto& [prefix, base] : {std::pair{"0x", 16}, std::pair{"0o", 8}})
    if (std::uint64_t n = 0; t.starts_with(prefix) && whole(t.substr(2), base, n))
      return n <= INT64_MAX ? json::value(static_cast<std::int64_t>(n)) : json::value(n);
  if (infinite(t))
    return std::nullopt;
  if (looks_like_number(t))
    return number(t);
  return json::value(json::string(t));
}

/// yaml-cpp gives the escapes \N (U+0085) and \_ (U+00A0) as single bytes, which are no UTF-8.
std::string mended(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const auto length = utf8_sequence(text.substr(at));
    if (length == 0 && (text[at] == '\x85' || text[at] == '\xA0'))
      out += '\xC2';
    out.append(text.substr(at, std::max<std::size_t>(length, 1)));
    at += std::max<std::size_t>(length, 1);
  }
  return out;
}

/// A value that is complete, with what copying it costs.
struct made {
  json::value value;
  std::size_t nodes = 1, bytes = node_cost_bytes;
};

/// Builds the value from parser events. After the first fault all further events are ignored.
class builder final : public YAML::EventHandler {
public:
  explicit builder(const yaml_limits& limits) : limits_(limits) {}

  void OnDocumentStart(const YAML::Mark&) override { documents_ += 1; }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& at, YAML::anchor_t anchor) override {
    scalar(at, anchor, json::value(nullptr), "null");
  }
  void OnAlias(const YAML::Mark& at, YAML::anchor_t anchor) override;
  void OnScalar(const YAML::Mark& at, const std::string& tag, YAML::anchor_t anchor,
                const std::string& text) override;
  void OnSequenceStart(const YAML::Mark& at, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(at, tag, "tag:yaml.org,2002:seq", anchor, json::value(json::array{}));
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& at, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(at, tag, "tag:yaml.org,2002:map", anchor, json::value(json::object{}));
  }
  void OnMapEnd() override { close(); }

  const std::optional<failure>& fault() const noexcept { return fault_; }
  std::size_t documents() const noexcept { return documents_; }
  json::value take() { return std::move(root_); }

private:
  struct frame {
    made what;
    YAML::anchor_t anchor = 0;
    std::optional<std::string> key; ///< of a map: read, its value is awaited
  };

  void scalar(const YAML::Mark& at, YAML::anchor_t anchor, json::value v, std::string_view text);
  void open(const YAML::Mark& at, const std::string& tag, std::string_view own,
            YAML::anchor_t anchor, json::value empty);
  void close();
  void place(const YAML::Mark& at, YAML::anchor_t anchor, made what);
  bool awaits_key() const {
    return !stack_.empty() && stack_.back().what.value.is_object() && !stack_.back().key;
  }
  bool take_key(const YAML::Mark& at, std::string text);
  bool spend_copy(const made& what);
  void fail(const YAML::Mark& at, std::string code, std::string what) {
    if (!fault_)
      fault_ = malformed(std::move(code), "Line " + std::to_string(at.line + 1) + ", column " +
                                              std::to_string(at.column + 1) + ": " + what + ".");
  }

  const yaml_limits& limits_;
  std::vector<frame> stack_;
  std::map<YAML::anchor_t, made> anchors_;
  std::size_t nodes_ = 0, alias_nodes_ = 0, copied_bytes_ = 0, documents_ = 0;
  std::optional<failure> fault_;
  json::value root_;
};

bool builder::spend_copy(const made& what) {
  copied_bytes_ += what.bytes;
  return copied_bytes_ <= limits_.bytes_max;
}

bool builder::take_key(const YAML::Mark& at, std::string text) {
  frame& map = stack_.back();
  if (map.what.value.get_object().contains(text))
    fail(at, "yaml_duplicate_key", "the key '" + text.substr(0, 80) + "' is there twice");
  else
    map.key = std::move(text);
  return !fault_;
}

void builder::OnScalar(const YAML::Mark& at, const std::string& tag, YAML::anchor_t anchor,
                       const std::string& given) {
  if (fault_)
    return;
  const auto text = valid_utf8(given) ? given : mended(given);
  const bool key = awaits_key();
  std::optional<json::value> v;
  if (key || tag == "!" || tag == "tag:yaml.org,2002:str")
    v = json::value(json::string(text));
  else if (tag == "?" || tag.empty() || tag == "tag:yaml.org,2002:int" ||
           tag == "tag:yaml.org,2002:float" || tag == "tag:yaml.org,2002:bool" ||
           tag == "tag:yaml.org,2002:null")
    v = plain(text);
  if (!v)
    return fail(at, "yaml_value", "the value has no form in JSON");
  scalar(at, anchor, std::move(*v), text);
}

void builder::scalar(const YAML::Mark& at, YAML::anchor_t anchor, json::value v,
                     std::string_view text) {
  if (fault_)
    return;
  if (++nodes_ > limits_.nodes_max)
    return fail(at, "yaml_aliases", "the document has too many nodes");
  if (awaits_key()) {
    if (anchor != 0)
      anchors_[anchor] = {json::value(json::string(text)), 1, node_cost_bytes + text.size()};
    take_key(at, std::string(text));
    return;
  }
  place(at, anchor, {std::move(v), 1, node_cost_bytes + text.size()});
}

void builder::OnAlias(const YAML::Mark& at, YAML::anchor_t anchor) {
  if (fault_)
    return;
  const auto found = anchors_.find(anchor);
  if (found == anchors_.end())
    return fail(at, "yaml_aliases", "the alias stands inside of what it names");
  alias_nodes_ += found->second.nodes;
  nodes_ += found->second.nodes;
  if (alias_nodes_ > limits_.alias_nodes_max || nodes_ > limits_.nodes_max ||
      !spend_copy(found->second))
    return fail(at, "yaml_aliases", "aliases expand to too much");
  if (!awaits_key())
    return place(at, 0, found->second);
  if (found->second.value.is_string())
    take_key(at, std::string(found->second.value.get_string()));
  else
    fail(at, "yaml_value", "a key must be a text");
}

void builder::open(const YAML::Mark& at, const std::string& tag, std::string_view own,
                   YAML::anchor_t anchor, json::value empty) {
  if (fault_)
    return;
  if (awaits_key())
    return fail(at, "yaml_value", "a key must be a text");
  if (!tag.empty() && tag != "?" && tag != "!" && tag != own)
    return fail(at, "yaml_value", "the tag is not known");
  if (stack_.size() >= limits_.depth_max)
    return fail(at, "yaml_too_deep", "nested too deep");
  if (++nodes_ > limits_.nodes_max)
    return fail(at, "yaml_aliases", "the document has too many nodes");
  stack_.push_back({{std::move(empty), 1, node_cost_bytes}, anchor, {}});
}

void builder::close() {
  if (fault_ || stack_.empty())
    return;
  frame done = std::move(stack_.back());
  stack_.pop_back();
  place({}, done.anchor, std::move(done.what));
}

void builder::place(const YAML::Mark& at, YAML::anchor_t anchor, made what) {
  if (anchor != 0) {
    if (!spend_copy(what))
      return fail(at, "yaml_aliases", "anchors hold too much");
    anchors_[anchor] = what;
  }
  if (stack_.empty()) {
    root_ = std::move(what.value);
    return;
  }
  frame& outer = stack_.back();
  outer.what.nodes += what.nodes;
  outer.what.bytes += what.bytes;
  if (auto* list = outer.what.value.if_array()) {
    list->push_back(std::move(what.value));
    return;
  }
  outer.what.bytes += outer.key->size();
  outer.what.value.get_object()[*outer.key] = std::move(what.value);
  outer.key.reset();
}

/// The JSON parser's depth counts the value itself, so a scalar inside 64 lists is too deep there
/// as here.
result<json::value> build(std::string_view text, const yaml_limits& limits) {
  builder made_of(limits);
  std::istringstream in{std::string(text)};
  YAML::Parser parser(in);
  if (!parser.HandleNextDocument(made_of))
    return json::value(nullptr);
  if (made_of.fault())
    return *made_of.fault();
  auto first = made_of.take();
  if (parser.HandleNextDocument(made_of))
    return malformed("yaml_documents", "The text holds more than one YAML document.");
  return first;
}

} // namespace

result<json::value> yaml_to_json(std::string_view text, const yaml_limits& limits) {
  if (text.size() > limits.bytes_max)
    return failure{
        failure_kind::too_large, "yaml_too_large", "The YAML text is too large.", {}, {}};
  if (!valid_utf8(text) || text.find('\0') != std::string_view::npos)
    return malformed("yaml_syntax", "The YAML text is not UTF-8 or holds a NUL.");
  try {
    return build(text, limits);
  } catch (const YAML::DeepRecursion&) {
    return malformed("yaml_too_deep", "The YAML text is nested too deep.");
  } catch (const YAML::Exception& thrown) {
    return malformed("yaml_syntax", "Line " + std::to_string(thrown.mark.line + 1) + ", column " +
                                        std::to_string(thrown.mark.column + 1) + ": " + thrown.msg +
                                        ".");
  } catch (const std::exception&) {
    return malformed("yaml_syntax", "The YAML text could not be read.");
  }
}

} // namespace troupe::provider
