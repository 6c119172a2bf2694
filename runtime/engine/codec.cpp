#include "runtime/engine/codec.hpp"

#include "runtime/engine/event_fields.hpp"
#include "runtime/engine/field_reader.hpp"
#include "runtime/engine/field_writer.hpp"

namespace troupe {

namespace {

/// Values may be as deep as a request allows, and stand a few levels inside their event.
constexpr json::parse_limits event_limits{256, std::size_t{256} << 20};

/// `at` and `attempt` stand beside `data`, and come first in event_fields.hpp.
constexpr bool beside(std::string_view name) noexcept {
  return name == "at" || name == "attempt";
}

struct head_writer {
  fields::writer& out;
  void operator()(std::string_view, const place& at) {
    out("node", at.node);
    if (!at.iteration.empty())
      out("iteration", to_text(at.iteration));
  }
  void operator()(std::string_view name, std::uint32_t v) {
    if (beside(name))
      out(name, v);
  }
  template <class T> void operator()(std::string_view, const T&) {}
};

struct data_writer {
  fields::writer& out;
  void operator()(std::string_view, const place&) {}
  template <class T> void operator()(std::string_view name, const T& v) {
    if (!beside(name))
      out(name, v);
  }
};

struct head_reader {
  fields::reader& in;
  bool& path_ok;
  void operator()(std::string_view, place& at) {
    std::string path;
    in("node", at.node);
    in("iteration", path);
    auto iteration = iteration_from_text(path);
    path_ok = iteration.has_value();
    if (iteration)
      at.iteration = std::move(*iteration);
  }
  void operator()(std::string_view name, std::uint32_t& v) {
    if (beside(name))
      in(name, v);
  }
  template <class T> void operator()(std::string_view, T&) {}
};

struct data_reader {
  fields::reader& in;
  void operator()(std::string_view, place&) {}
  template <class T> void operator()(std::string_view name, T& v) {
    if (!beside(name))
      in(name, v);
  }
};

failure malformed(const std::string& which, const std::string& why) {
  return {failure_kind::malformed, "event_malformed", which + ": " + why, {}, {}};
}

/// The member that is wrong; empty: none.
using read_fn = std::string (*)(json::object& line, json::object& data, events::any& into);

template <class Event>
std::string read_event(json::object& line, json::object& data, events::any& into) {
  auto& e = into.emplace<Event>();
  fields::reader beside_data{line};
  bool path_ok = true;
  each_field(e, head_reader{beside_data, path_ok});
  if (!beside_data.ok() || !path_ok)
    return path_ok ? beside_data.culprit() : "iteration";
  fields::reader inside{data};
  each_field(e, data_reader{inside});
  return inside.culprit();
}

struct kind_row {
  std::string_view kind;
  read_fn read;
};

template <std::size_t... I> constexpr auto make_kinds(std::index_sequence<I...>) {
  return std::array{kind_row{std::variant_alternative_t<I, events::any>::kind,
                             &read_event<std::variant_alternative_t<I, events::any>>}...};
}
constexpr auto kinds = make_kinds(std::make_index_sequence<std::variant_size_v<events::any>>{});

result<event> decode_line(std::string_view text, std::size_t number) {
  std::string which = "line " + std::to_string(number);
  auto parsed = json::parse(text, event_limits);
  if (!parsed)
    return malformed(which, parsed.error().message);
  auto* line = parsed->if_object();
  if (!line)
    return malformed(which, "an event is an object");
  event e;
  fields::reader head{*line};
  head("seq", e.seq);
  head("time", e.time);
  std::string kind;
  head("kind", kind);
  if (!head.ok() || e.seq == 0)
    return malformed(which, head.ok() ? "seq is missing" : head.culprit() + " is wrong");
  which = "event " + std::to_string(e.seq);
  const auto row = std::find_if(kinds.begin(), kinds.end(),
                                [&](const kind_row& one) { return one.kind == kind; });
  if (row == kinds.end())
    return failure{failure_kind::unsupported,
                   "event_kind_unknown",
                   which + " is of a kind that this release does not know: '" + kind + "'",
                   "Open this data with the release that wrote it, or a later one.",
                   {}};
  json::object none;
  auto* data = line->if_contains("data");
  auto* members = data ? data->if_object() : &none;
  if (!members)
    return malformed(which, "data is no object");
  if (const auto culprit = row->read(*line, *members, e.what); !culprit.empty())
    return malformed(which, culprit + " is wrong");
  return e;
}

/// Visits every value_ref, however deep.
struct blob_finder {
  std::vector<blob_id>& into;
  void operator()(std::string_view, const value_ref& v) {
    if (v.is_blob())
      into.push_back(v.id());
  }
  template <class T> void operator()(std::string_view, const std::optional<T>& v) {
    if (v)
      (*this)({}, *v);
  }
  template <class T> void operator()(std::string_view, const std::vector<T>& v) {
    if constexpr (!std::is_arithmetic_v<T>)
      for (const auto& one : v)
        (*this)({}, one);
  }
  template <class T> void operator()(std::string_view, const T& v) {
    if constexpr (requires { each_member(v, *this); })
      each_member(v, *this);
  }
};

} // namespace

void encode_data(std::string& out, const events::any& what) {
  fields::writer data{out};
  data.open();
  std::visit([&](const auto& e) { each_field(e, data_writer{data}); }, what);
  data.close();
}

void encode_event(std::string& out, const event& e) {
  check(e.seq > 0, "events are numbered from 1");
  fields::writer line{out};
  line.open();
  line("seq", e.seq);
  line("time", e.time);
  out.append(",\"kind\":\"").append(kind_of(e.what)).append("\"");
  std::visit([&](const auto& what) { each_field(what, head_writer{line}); }, e.what);
  out.append(",\"data\":");
  encode_data(out, e.what);
  line.close();
}

std::string encode_events(const std::vector<event>& what) {
  std::string out;
  out.reserve(what.size() * 192);
  for (const auto& e : what) {
    if (!out.empty())
      out.push_back('\n');
    encode_event(out, e);
  }
  return out;
}

result<std::vector<event>> decode_events(std::string_view text) {
  std::vector<event> all;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    auto e = decode_line(text.substr(0, end), all.size() + 1);
    if (!e)
      return std::move(e).error();
    all.push_back(std::move(*e));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return all;
}

void blobs_of(const events::any& what, std::vector<blob_id>& into) {
  std::visit([&](const auto& e) { each_field(e, blob_finder{into}); }, what);
}

void blobs_of(const std::vector<event>& what, std::vector<blob_id>& into) {
  for (const auto& e : what)
    blobs_of(e.what, into);
}

} // namespace troupe
