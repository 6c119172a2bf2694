// Writes members of plain structs as JSON text, straight into a string.
//
// What is zero, false, empty or absent is left out; enumerations are always written, as words. A
// value under `x` is inline; `x_blob` {hash, bytes} names a blob.
#pragma once

#include "runtime/base/encoding.hpp"
#include "runtime/engine/members.hpp"
#include "runtime/engine/words.hpp"

#include <charconv>
#include <deque>
#include <map>

namespace troupe::fields {

inline std::string_view bytes_of(const blob_id& id) noexcept {
  return {reinterpret_cast<const char*>(id.data()), id.size()};
}

class writer {
public:
  explicit writer(std::string& out) : out_(out) {}

  void open() {
    out_.push_back('{');
    first_ = true;
  }
  void close() { out_.push_back('}'); }

  /// One member: name and value, unless the value is left out.
  template <class T> void operator()(std::string_view name, const T& v) {
    if (absent(v))
      return;
    key(name);
    put(v);
  }
  void operator()(std::string_view name, const value_ref& v) {
    if (v.is_blob())
      return put_blob(name, v.id(), v.bytes());
    (*this)(name, v.inline_value());
  }
  void operator()(std::string_view name, const shared_value& v) {
    if (!v)
      return;
    key(name);
    json::write(out_, *v);
  }

private:
  template <class T> static bool absent(const T& v) {
    if constexpr (std::is_enum_v<T>)
      return false;
    else if constexpr (std::is_arithmetic_v<T>)
      return v == T{};
    else if constexpr (requires { v.has_value(); })
      return !v.has_value();
    else if constexpr (requires { v.empty(); })
      return v.empty();
    else if constexpr (std::same_as<T, instant> || std::same_as<T, run_id>)
      return v == T{};
    else
      return false;
  }

  void key(std::string_view name, std::string_view suffix = {}) {
    if (!first_)
      out_.push_back(',');
    first_ = false;
    out_.push_back('"');
    out_.append(name).append(suffix).append("\":");
  }

  template <class Integer> void put_number(Integer v) {
    char digits[24];
    const auto end = std::to_chars(digits, digits + sizeof digits, v).ptr;
    out_.append(digits, end);
  }

  void put_blob(std::string_view name, const blob_id& id, std::uint64_t bytes) {
    key(name, "_blob");
    out_.append("{\"hash\":\"").append(to_hex(bytes_of(id))).append("\",\"bytes\":");
    put_number(bytes);
    out_.push_back('}');
  }

  void put(const std::string& v) { json::write_string(out_, v); }
  void put(bool v) { out_.append(v ? "true" : "false"); }
  void put(std::uint32_t v) { put_number(v); }
  void put(std::uint64_t v) { put_number(v); }
  void put(instant v) { put_number(to_millis(v)); }
  void put(const run_id& v) { out_.append("\"").append(to_text(v)).append("\""); }
  template <class E>
  requires std::is_enum_v<E>
  void put(E v) { out_.append("\"").append(words::to_word(v)).append("\""); }
  template <class T> void put(const std::optional<T>& v) { put(*v); }

  template <class T> void put(const std::vector<T>& v) { put_list(v); }
  template <class T> void put(const std::deque<T>& v) { put_list(v); }
  template <class List> void put_list(const List& list) {
    out_.push_back('[');
    bool first = true;
    for (const auto& one : list) {
      if (!first)
        out_.push_back(',');
      first = false;
      put(one);
    }
    out_.push_back(']');
  }
  /// As a list of {key, value}: keys need not be text.
  template <class K, class V, class C> void put(const std::map<K, V, C>& v) {
    out_.push_back('[');
    bool first = true;
    for (const auto& [k, one] : v) {
      if (!first)
        out_.push_back(',');
      first = false;
      writer inner{out_};
      inner.open();
      inner("key", k);
      inner("value", one);
      inner.close();
    }
    out_.push_back(']');
  }
  void put(const value_ref& v) {
    writer inner{out_};
    inner.open();
    inner("value", v);
    inner.close();
  }
  template <class T>
  requires requires(const T& v, writer& w) { each_member(v, w); }
  void put(const T& v) {
    writer inner{out_};
    inner.open();
    each_member(v, inner);
    inner.close();
  }

  std::string& out_;
  bool first_ = true;
};

} // namespace troupe::fields
