// A JSON object under construction, for reports: unlike stored members, absent ones are null.
#pragma once

#include "runtime/engine/event.hpp"

#include <charconv>

namespace troupe::reporting {

class text_object {
public:
  explicit text_object(std::string& out) : out_(out) { out_.push_back('{'); }
  void close() { out_.push_back('}'); }

  /// Writes the name; the caller appends one JSON value.
  std::string& key(std::string_view name) {
    if (!first_)
      out_.push_back(',');
    first_ = false;
    json::write_string(out_, name);
    out_.push_back(':');
    return out_;
  }
  void text(std::string_view name, std::string_view v) { json::write_string(key(name), v); }
  void text_or_null(std::string_view name, std::string_view v) {
    v.empty() ? null(name) : text(name, v);
  }
  void null(std::string_view name) { key(name).append("null"); }
  void flag(std::string_view name, bool v) { key(name).append(v ? "true" : "false"); }
  void number(std::string_view name, std::uint64_t v) { key(name).append(std::to_string(v)); }
  void real(std::string_view name, double v) { json::write_number(key(name), v); }
  void time(std::string_view name, const std::optional<instant>& v) {
    v ? text(name, to_text(*v)) : null(name);
  }
  void seconds(std::string_view name, const std::optional<instant>& from,
               const std::optional<instant>& to) {
    if (!from || !to)
      return null(name);
    real(name, static_cast<double>((*to - *from).count()) / 1000.0);
  }
  void value(std::string_view name, const value_ref& v, blob_port& blobs) {
    const auto loaded = v.get(blobs);
    json::write(key(name), loaded ? **loaded : json::value(nullptr));
  }
  void value(std::string_view name, const json::value& v) { json::write(key(name), v); }
  void iteration(const iteration_path& path) {
    if (!path.empty())
      text("iteration", to_text(path));
  }
  void error(std::string_view name, const std::optional<error_info>& e, std::string_view node,
             blob_port& blobs) {
    if (!e)
      return null(name);
    text_object o{key(name)};
    o.text("code", e->code);
    o.text("message", e->message);
    o.text_or_null("node", node);
    if (e->status != 0)
      o.number("status", e->status);
    if (!e->data.empty())
      o.value("data", e->data, blobs);
    o.close();
  }

private:
  std::string& out_;
  bool first_ = true;
};

template <class List, class Each> void write_list(std::string& out, const List& list, Each each) {
  out.push_back('[');
  bool first = true;
  for (const auto& one : list) {
    if (!first)
      out.push_back(',');
    first = false;
    each(one);
  }
  out.push_back(']');
}

/// The output a step shows: {skipped, reason}, its first port's value, or null.
void write_output(std::string& out, step_status status, const std::string& reason,
                  const std::vector<port_value>& ports, blob_port& blobs);

} // namespace troupe::reporting
