// Templates: JSON whose strings hold `{{ }}`.
#include "runtime/expr/evaluate.hpp"
#include "runtime/expr/operators.hpp"
#include "runtime/expr/text.hpp"
#include "runtime/expr/token.hpp"
#include "runtime/expr/tree.hpp"

#include <algorithm>

namespace troupe::expr {

/// What differs from the source: the shape of the source with only its dynamic branches.
struct json_template::part {
  enum class shape { whole, text, list, object };
  struct piece {
    std::string literal; ///< before the expression
    expression value;    ///< may be empty at the end
  };
  shape form = shape::whole;
  std::vector<piece> pieces;       ///< one for `whole`
  std::vector<part> children;      ///< the dynamic ones
  std::vector<std::size_t> places; ///< of each child in the list or object
};

namespace {

using part = json_template::part;
using piece = part::piece;
using path_list = std::vector<std::vector<std::string>>;

/// Puts `step` before the path that a failure's message begins with.
failure inside(std::string step, failure why, bool innermost) {
  if (innermost)
    why.message = step + ": " + why.message;
  else
    why.message = step + (why.message.starts_with('[') ? "" : ".") + why.message;
  return why;
}

std::string step_name(const json::value& source, std::size_t i) {
  if (source.is_array())
    return "[" + std::to_string(i) + "]";
  return std::string((source.get_object().begin() + static_cast<std::ptrdiff_t>(i))->key());
}

const json::value& child_at(const json::value& source, std::size_t i) {
  if (source.is_array())
    return source.get_array()[i];
  return (source.get_object().begin() + static_cast<std::ptrdiff_t>(i))->value();
}

void add_paths(path_list& all, const path_list& more) {
  for (const auto& path : more)
    if (std::find(all.begin(), all.end(), path) == all.end())
      all.push_back(path);
}

/// The expression that begins at `from` (at its `{{`); `end` becomes the place behind it.
result<expression> piece_at(std::string_view text, std::size_t from, std::size_t& end) {
  const std::size_t length = find_close(text.substr(from + 2));
  if (length == std::string_view::npos)
    return syntax_failure(text, from, 1, "'{{' is not closed");
  end = from + 2 + length;
  auto made = parse(text.substr(from, end - from));
  if (made || from == 0)
    return made;
  failure why = std::move(made).error();
  why.message +=
      " of the expression at character " + std::to_string(length_of(text.substr(0, from)) + 1);
  return why;
}

/// Nothing when the text holds no expression.
result<std::optional<part>> compile_text(std::string_view text, path_list& paths) {
  std::size_t open = text.find("{{");
  if (open == std::string_view::npos)
    return std::optional<part>();
  part out;
  std::size_t from = 0;
  for (; open != std::string_view::npos; open = text.find("{{", from)) {
    std::size_t end = 0;
    auto made = piece_at(text, open, end);
    if (!made)
      return std::move(made).error();
    add_paths(paths, made->paths());
    out.pieces.push_back({std::string(text.substr(from, open - from)), std::move(*made)});
    from = end;
  }
  const bool alone = out.pieces.size() == 1 && trimmed(out.pieces[0].literal).empty() &&
                     trimmed(text.substr(from)).empty();
  out.form = alone ? part::shape::whole : part::shape::text;
  if (from < text.size())
    out.pieces.push_back({std::string(text.substr(from)), expression()});
  return std::optional(std::move(out));
}

result<std::optional<part>> compile_value(const json::value& source, path_list& paths,
                                          std::size_t levels) {
  if (const json::string* text = source.if_string())
    return compile_text(*text, paths);
  if (!source.is_structured())
    return std::optional<part>();
  if (levels == 0)
    return invalid("expression_syntax", "the value is nested too deeply");
  part out;
  out.form = source.is_array() ? part::shape::list : part::shape::object;
  const std::size_t size =
      source.is_array() ? source.get_array().size() : source.get_object().size();
  for (std::size_t i = 0; i < size; ++i) {
    const json::value& child = child_at(source, i);
    auto made = compile_value(child, paths, levels - 1);
    if (!made)
      return inside(step_name(source, i), std::move(made).error(), !child.is_structured());
    if (*made) {
      out.places.push_back(i);
      out.children.push_back(std::move(**made));
    }
  }
  if (out.children.empty())
    return std::optional<part>();
  return std::optional(std::move(out));
}

json::value render_text(context& c, const part& p) {
  json::string out;
  for (const piece& at : p.pieces) {
    if (!c.pay_output(at.literal.size()))
      return nullptr;
    out.append(at.literal);
    if (!at.value)
      continue;
    const operand value = run(c, at.value);
    if (c.failed())
      return nullptr;
    out.append(text_of(c, value.get()));
  }
  return out;
}

json::value render_leaf(context& c, const part& p, std::size_t level) {
  if (p.form == part::shape::text)
    return render_text(c, p);
  json::value out = run(c, p.pieces.front().value).take(c);
  if (!c.failed() && deeper_than(out, nesting_max - level))
    c.fail_budget("the result is nested deeper than " + std::to_string(nesting_max) + " levels");
  return out;
}

json::value render_part(context& c, const json::value& source, const part& p, std::size_t level,
                        std::string& where);

json::value render_child(context& c, const json::value& source, const part& p, std::size_t i,
                         std::size_t level, std::string& where) {
  json::value out = render_part(c, child_at(source, i), p, level, where);
  if (c.failed()) {
    std::string step = step_name(source, i);
    if (!where.empty() && !where.starts_with('['))
      step += '.';
    where.insert(0, step);
  }
  return out;
}

json::value render_part(context& c, const json::value& source, const part& p, std::size_t level,
                        std::string& where) {
  if (p.form == part::shape::whole || p.form == part::shape::text)
    return render_leaf(c, p, level);
  std::size_t next = 0;
  const auto render_at = [&](std::size_t i) {
    const bool dynamic = next < p.places.size() && p.places[next] == i;
    return dynamic ? render_child(c, source, p.children[next++], i, level + 1, where)
                   : copy(c, child_at(source, i));
  };
  if (p.form == part::shape::list) {
    json::array out;
    out.reserve(source.get_array().size());
    for (std::size_t i = 0; i < source.get_array().size() && !c.failed(); ++i)
      out.push_back(render_at(i));
    return out;
  }
  json::object out;
  out.reserve(source.get_object().size());
  std::size_t i = 0;
  for (auto at = source.get_object().begin(); at != source.get_object().end() && !c.failed(); ++at)
    out.emplace(at->key(), render_at(i++));
  return out;
}

} // namespace

result<json_template> compile(const json::value& source) {
  json_template out;
  auto made = compile_value(source, out.paths_, nesting_max);
  if (!made)
    return std::move(made).error();
  out.source_ = share(source);
  if (*made)
    out.parts_ = std::make_shared<const part>(std::move(**made));
  return out;
}

result<json::value> render(const json_template& t, const names& scope, budget& spend) {
  if (t.constant())
    return *t.source_;
  context c(scope, spend);
  std::string where;
  json::value out = render_part(c, *t.source_, *t.parts_, 0, where);
  if (!c.failed())
    return out;
  failure why = c.take_failure();
  if (!where.empty())
    why.message = where + ": " + why.message;
  return why;
}

} // namespace troupe::expr
