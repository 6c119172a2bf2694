#include "runtime/base/encoding.hpp"
#include "runtime/base/utf8.hpp"
#include "runtime/expr/bodies.hpp"
#include "runtime/expr/helpers.hpp"

namespace troupe::expr::bodies {

namespace {

bool unreserved(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '.' || c == '-' || c == '~';
}

/// In a query "/" is escaped and a space becomes "+".
void append_quoted(std::string& out, std::string_view text, bool query) {
  constexpr char digits[] = "0123456789ABCDEF";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (unreserved(c) || (c == '/' && !query))
      out.push_back(c);
    else if (c == ' ' && query)
      out.push_back('+');
    else
      out.append({'%', digits[byte >> 4], digits[byte & 15]});
  }
}

bool append_pair(context& c, std::string& out, const json::value& key, const json::value& value) {
  const std::string name = text_of(c, key);
  const std::string text = text_of(c, value);
  if (!c.pay_output(3 * (name.size() + text.size()) + 2))
    return false;
  if (!out.empty())
    out.push_back('&');
  append_quoted(out, name, true);
  out.push_back('=');
  append_quoted(out, text, true);
  return true;
}

operand joined(context& c, const json::array& elements, std::string_view separator,
               const json::value& attribute) {
  json::string out;
  for (std::size_t i = 0; i < elements.size() && c.pay(); ++i) {
    const operand part = attribute.is_null() ? operand::borrow(&elements[i])
                                             : attribute_of(c, elements[i], attribute);
    if (i > 0 && c.pay_output(separator.size()))
      out.append(separator);
    if (const json::string* text = part.get().if_string()) {
      if (c.pay_output(text->size()))
        out.append(*text);
    } else {
      out.append(text_of(c, part.get()));
    }
  }
  return operand(std::move(out));
}

} // namespace

operand url_encode(context& c, arguments args) {
  const json::value& v = args[0].get();
  std::string out;
  if (const json::object* members = v.if_object()) {
    for (const auto& member : *members)
      if (!append_pair(c, out, json::value(member.key()), member.value()))
        return {};
  } else if (const json::array* pairs = v.if_array()) {
    for (const json::value& pair : *pairs) {
      const json::array* two = pair.if_array();
      if (two == nullptr || two->size() != 2)
        c.fail_type("urlencode takes text, an object or a list of pairs");
      if (c.failed() || !append_pair(c, out, (*two)[0], (*two)[1]))
        return {};
    }
  } else {
    std::string scratch;
    const std::string_view text = text_argument(c, args, 0, scratch);
    if (!c.pay_output(3 * text.size()))
      return {};
    append_quoted(out, text, false);
  }
  return operand(json::value(out));
}

operand base64_encode(context& c, arguments args) {
  std::string scratch;
  const std::string_view text = text_argument(c, args, 0, scratch);
  return c.pay_output(text.size() / 3 * 4 + 4) ? operand(json::value(to_base64(text))) : operand();
}

operand base64_decode(context& c, arguments args) {
  std::string scratch;
  const std::string_view text = text_argument(c, args, 0, scratch);
  if (!c.pay_output(text.size()))
    return {};
  const auto bytes = from_base64(text);
  if (bytes && valid_utf8(*bytes))
    return operand(json::value(*bytes));
  c.fail_value(bytes ? "b64decode gave bytes that are not text" : "this is not base64");
  return {};
}

operand to_json(context& c, arguments args) {
  const json::value& v = args[0].get();
  const std::size_t indent = argument(args, 1).missing() ? 0 : 1;
  const std::size_t size = json::written_size(v, c.output_left());
  // Indentation takes at most two spaces a level and a new line for each value.
  if (!c.pay_output(size) || (indent != 0 && !c.pay_output(weight(v, c.output_left()) * 6)))
    return {};
  return operand(json::value(indent != 0 ? json::write_pretty(v) : json::write(v)));
}

operand from_json(context& c, arguments args) {
  std::string scratch;
  const std::string_view text = text_argument(c, args, 0, scratch);
  if (c.failed() || !c.pay_output(text.size()))
    return {};
  // A value takes up to twelve times its text, "[1,1,1]", before its size is known.
  auto parsed = json::parse(text, {.bytes_max = std::size_t{1} << 20});
  if (!parsed) {
    c.fail_value("fromjson: " + parsed.error().message);
    return {};
  }
  if (!c.pay_output(weight(*parsed, c.output_left())))
    return {};
  return operand(std::move(*parsed));
}

operand join(context& c, arguments args) {
  std::string scratch;
  const std::string_view separator =
      argument(args, 1).get().is_null() ? "" : text_argument(c, args, 1, scratch);
  if (!make_list(c, args[0]))
    return {};
  return joined(c, args[0].get().get_array(), separator, argument(args, 2).get());
}

operand join_method(context& c, arguments args) {
  std::string scratch;
  const std::string_view separator = text_argument(c, args, 0, scratch);
  if (!make_list(c, args[1]))
    return {};
  return joined(c, args[1].get().get_array(), separator, json::value());
}

} // namespace troupe::expr::bodies
