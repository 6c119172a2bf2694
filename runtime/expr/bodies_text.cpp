#include "runtime/expr/bodies.hpp"
#include "runtime/expr/helpers.hpp"

#include <algorithm>
#include <limits>

namespace troupe::expr::bodies {

namespace {

operand text_result(context& c, std::string_view text) {
  return c.pay_output(text.size()) ? operand(json::value(text)) : operand();
}

/// Applies `change`, which gives text of about the same length, to the first argument.
template <class Change> operand changed(context& c, arguments args, Change change) {
  std::string scratch;
  const std::string_view text = text_argument(c, args, 0, scratch);
  // A letter may take one byte more in the other case.
  if (c.failed() || !c.pay_output(text.size() * 2))
    return {};
  return operand(json::value(change(text)));
}

/// First letter of the text in upper case, the others in lower case.
std::string capitalized(std::string_view text) {
  const std::string_view head = code_points(text, 0, 1);
  return upper_case(head) + lower_case(text.substr(head.size()));
}

std::string titled(std::string_view text) {
  constexpr std::string_view breaks = " \t\n\r\v\f-([{<";
  std::string out;
  while (!text.empty()) {
    const std::size_t word = std::min(text.find_first_of(breaks), text.size());
    out += capitalized(text.substr(0, word));
    const std::size_t gap = std::min(text.find_first_not_of(breaks, word), text.size());
    out += text.substr(word, gap - word);
    text.remove_prefix(gap);
  }
  return out;
}

operand trim_sides(context& c, arguments args, bool left, bool right) {
  std::string scratch;
  std::string set_scratch;
  const std::string_view text = text_argument(c, args, 0, scratch);
  const std::string_view set =
      argument(args, 1).get().is_null() ? " \t\n\r\v\f" : text_argument(c, args, 1, set_scratch);
  if (!c.pay(text.size() / 64 * (1 + set.size())))
    return {};
  return text_result(c, trimmed(text, set, left, right));
}

std::size_t occurrences(context& c, std::string_view text, std::string_view piece,
                        std::size_t most) {
  std::size_t count = 0;
  for (std::size_t at = find_text(text, piece);
       at != std::string_view::npos && count < most && c.pay();
       at = find_text(text, piece, at + piece.size()))
    ++count;
  return count;
}

/// A count argument: negative or absent means all.
std::size_t most_argument(context& c, arguments args, std::size_t i) {
  const std::int64_t most = integer_argument(c, args, i, -1);
  return most < 0 ? std::numeric_limits<std::size_t>::max() : static_cast<std::size_t>(most);
}

operand split_words(context& c, std::string_view text, std::size_t most) {
  list_builder out(c);
  text = trimmed(text, " \t\n\r\v\f", true, false);
  for (; !text.empty(); text = trimmed(text, " \t\n\r\v\f", true, false)) {
    const auto end = out.elements().size() < most
                         ? std::find_if(text.begin(), text.end(), is_space) - text.begin()
                         : static_cast<std::ptrdiff_t>(text.size());
    const auto length = static_cast<std::size_t>(end);
    if (!out.add_text(text.substr(0, length)))
      return {};
    text.remove_prefix(length);
  }
  return out.done();
}

/// Reads the two texts that most predicates take.
struct two_texts {
  two_texts(context& c, arguments args)
      : text(text_argument(c, args, 0, first)), piece(text_argument(c, args, 1, second)) {}
  std::string first;
  std::string second;
  std::string_view text;
  std::string_view piece;
};

bool any_fits(context& c, arguments args, bool (*fits)(std::string_view, std::string_view)) {
  std::string scratch;
  const json::array* choices = argument(args, 1).get().if_array();
  if (choices == nullptr) {
    const two_texts in(c, args);
    return !c.failed() && fits(in.text, in.piece);
  }
  const std::string_view text = text_argument(c, args, 0, scratch); // as in Python: any of a tuple
  for (const json::value& choice : *choices)
    if (c.pay() && choice.is_string() && fits(text, choice.get_string()))
      return true;
  return false;
}

template <class Holds> operand all_bytes(context& c, arguments args, Holds holds) {
  std::string scratch;
  const std::string_view text = text_argument(c, args, 0, scratch);
  return operand(!text.empty() && std::all_of(text.begin(), text.end(), holds));
}

} // namespace

operand upper(context& c, arguments args) {
  return changed(c, args, upper_case);
}
operand lower(context& c, arguments args) {
  return changed(c, args, lower_case);
}
operand capitalize(context& c, arguments args) {
  return changed(c, args, capitalized);
}
operand title(context& c, arguments args) {
  return changed(c, args, titled);
}
operand trim(context& c, arguments args) {
  return trim_sides(c, args, true, true);
}
operand trim_left(context& c, arguments args) {
  return trim_sides(c, args, true, false);
}
operand trim_right(context& c, arguments args) {
  return trim_sides(c, args, false, true);
}

operand replace(context& c, arguments args) {
  const two_texts in(c, args);
  std::string scratch;
  const std::string_view by = text_argument(c, args, 2, scratch);
  const std::size_t most = most_argument(c, args, 3);
  if (c.failed())
    return {};
  if (in.piece.empty()) {
    c.fail_value("replace needs a text to look for");
    return {};
  }
  const std::size_t count = occurrences(c, in.text, in.piece, most);
  const std::size_t kept = in.text.size() - count * in.piece.size();
  std::size_t added = 0;
  if (__builtin_mul_overflow(count, by.size(), &added) || !c.pay_output(added) ||
      !c.pay_output(kept))
    return {};
  std::string out;
  out.reserve(kept + added);
  std::size_t from = 0;
  for (std::size_t n = 0; n < count; ++n) {
    const std::size_t at = find_text(in.text, in.piece, from);
    out.append(in.text, from, at - from).append(by);
    from = at + in.piece.size();
  }
  out.append(in.text, from);
  return operand(json::value(out));
}

operand split(context& c, arguments args) {
  const std::size_t most = most_argument(c, args, 2);
  std::string scratch;
  if (argument(args, 1).get().is_null()) {
    const std::string_view text = text_argument(c, args, 0, scratch);
    return c.failed() ? operand() : split_words(c, text, most);
  }
  const two_texts in(c, args);
  if (!c.failed() && in.piece.empty())
    c.fail_value("split needs a separator that is not empty");
  list_builder out(c);
  std::size_t from = 0;
  while (!c.failed()) {
    const std::size_t at =
        out.elements().size() < most ? find_text(in.text, in.piece, from) : std::string_view::npos;
    if (!out.add_text(in.text.substr(from, at - from)) || at == std::string_view::npos)
      break;
    from = at + in.piece.size();
  }
  return out.done();
}

operand split_lines(context& c, arguments args) {
  std::string scratch;
  std::string_view text = text_argument(c, args, 0, scratch);
  list_builder out(c);
  while (!text.empty()) {
    const std::size_t end = std::min(text.find_first_of("\r\n"), text.size());
    if (!out.add_text(text.substr(0, end)))
      break;
    text.remove_prefix(end);
    text.remove_prefix(text.starts_with("\r\n") ? 2 : text.empty() ? 0 : 1);
  }
  return out.done();
}

operand starts_with(context& c, arguments args) {
  return operand(any_fits(c, args, [](auto text, auto piece) { return text.starts_with(piece); }));
}

operand ends_with(context& c, arguments args) {
  return operand(any_fits(c, args, [](auto text, auto piece) { return text.ends_with(piece); }));
}

operand remove_prefix(context& c, arguments args) {
  const two_texts in(c, args);
  return text_result(c, in.text.starts_with(in.piece) ? in.text.substr(in.piece.size()) : in.text);
}

operand remove_suffix(context& c, arguments args) {
  const two_texts in(c, args);
  return text_result(c, in.text.ends_with(in.piece)
                            ? in.text.substr(0, in.text.size() - in.piece.size())
                            : in.text);
}

operand find(context& c, arguments args) {
  const two_texts in(c, args);
  const std::size_t at = find_text(in.text, in.piece);
  return operand(at == std::string_view::npos
                     ? std::int64_t{-1}
                     : static_cast<std::int64_t>(length_of(in.text.substr(0, at))));
}

operand count(context& c, arguments args) {
  if (const json::array* elements = args[0].get().if_array()) {
    std::int64_t found = 0;
    for (const json::value& element : *elements)
      found += !c.failed() && equal(c, element, args[1].get()) ? 1 : 0;
    return operand(found);
  }
  const two_texts in(c, args);
  if (c.failed() || in.piece.empty())
    return operand(static_cast<std::int64_t>(length_of(in.text) + 1)); // as in Python
  return operand(static_cast<std::int64_t>(
      occurrences(c, in.text, in.piece, std::numeric_limits<std::size_t>::max())));
}

operand is_digits(context& c, arguments args) {
  return all_bytes(c, args, [](char b) { return b >= '0' && b <= '9'; });
}

operand is_letters(context& c, arguments args) {
  return all_bytes(c, args, [](char b) {
    return (b >= 'a' && b <= 'z') || (b >= 'A' && b <= 'Z') || static_cast<unsigned char>(b) >= 128;
  });
}

operand truncate(context& c, arguments args) {
  std::string scratch;
  std::string end_scratch;
  const std::string_view text = text_argument(c, args, 0, scratch);
  const std::int64_t length = integer_argument(c, args, 1, 255);
  const bool kill_words = flag_argument(args, 2, false);
  const std::string_view end =
      argument(args, 3).get().is_null() ? "..." : text_argument(c, args, 3, end_scratch);
  const std::int64_t leeway = integer_argument(c, args, 4, 5);
  const auto end_length = static_cast<std::int64_t>(length_of(end));
  if (!c.failed() && (length < end_length || leeway < 0))
    c.fail_value("truncate needs a length of at least its ending's and a leeway of at least 0");
  if (c.failed())
    return {};
  const auto size = static_cast<std::int64_t>(length_of(text));
  if (size - leeway <= length)
    return text_result(c, text);
  std::string_view head = code_points(text, 0, static_cast<std::size_t>(length - end_length));
  if (!kill_words)
    head = head.substr(0, head.rfind(' '));
  if (!c.pay_output(head.size() + end.size()))
    return {};
  std::string out(head);
  return operand(json::value(out.append(end)));
}

operand word_count(context& c, arguments args) {
  std::string scratch;
  const std::string_view text = text_argument(c, args, 0, scratch);
  std::int64_t words = 0;
  for (std::size_t i = 0; i < text.size(); ++i)
    words += !is_space(text[i]) && (i == 0 || is_space(text[i - 1])) ? 1 : 0;
  return operand(words);
}

} // namespace troupe::expr::bodies
