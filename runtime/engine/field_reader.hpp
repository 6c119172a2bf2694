// Reads what field_writer.hpp wrote. What is missing is zero, false, empty or absent, whatever a
// struct's own default is; unknown members are ignored; a member of a wrong type is refused.
#pragma once

#include "runtime/base/encoding.hpp"
#include "runtime/engine/members.hpp"
#include "runtime/engine/words.hpp"

#include <algorithm>
#include <deque>
#include <limits>
#include <map>

namespace troupe::fields {

/// Moves values out of the object it reads.
class reader {
public:
  explicit reader(json::object& from) : from_(from) {}

  bool ok() const noexcept { return culprit_.empty(); }
  /// The first member that was refused.
  const std::string& culprit() const noexcept { return culprit_; }

  template <class T> void operator()(std::string_view name, T& v) {
    auto* found = from_.if_contains(name);
    if (!found)
      v = zero<T>();
    else if (!take(*found, v))
      refuse(name);
  }
  void operator()(std::string_view name, value_ref& v) {
    if (auto* found = from_.if_contains(name))
      v = value_ref{share(std::move(*found))};
    else if (auto* blob = from_.if_contains(std::string{name} + "_blob"))
      take_blob(name, *blob, v);
    else
      v = {};
    if (!v.empty() && !v.is_blob() && !v.inline_value())
      v = {};
  }
  void operator()(std::string_view name, shared_value& v) {
    if (auto* found = from_.if_contains(name))
      v = share(std::move(*found));
    else
      v = nullptr;
  }

private:
  template <class T> static T zero() {
    if constexpr (std::is_enum_v<T> || std::is_arithmetic_v<T>)
      return static_cast<T>(0);
    else
      return T{};
  }

  void refuse(std::string_view name) {
    if (culprit_.empty())
      culprit_ = name.empty() ? "?" : std::string{name};
  }

  static std::optional<std::pair<blob_id, std::uint64_t>> blob_of(const json::value& from) {
    const auto hash = from_hex(json::text_or(from, "hash", {}));
    const auto* bytes = json::find(from, "bytes");
    std::uint64_t count = 0;
    if (!hash || hash->size() != std::tuple_size_v<blob_id> || !bytes || !take(*bytes, count))
      return std::nullopt;
    blob_id id;
    std::copy(hash->begin(), hash->end(), id.begin());
    return std::pair{id, count};
  }

  void take_blob(std::string_view name, const json::value& from, value_ref& v) {
    if (const auto blob = blob_of(from))
      v = value_ref{blob->first, blob->second};
    else
      refuse(name);
  }

  template <class Integer> static bool take_number(const json::value& from, Integer& v) {
    if (const auto* small = from.if_int64()) {
      if (!std::in_range<Integer>(*small))
        return false;
      v = static_cast<Integer>(*small);
      return true;
    }
    const auto* large = from.if_uint64();
    if (!large || !std::in_range<Integer>(*large))
      return false;
    v = static_cast<Integer>(*large);
    return true;
  }

  static bool take(const json::value& from, std::string& v) {
    const auto* text = from.if_string();
    if (text)
      v.assign(text->data(), text->size());
    return text != nullptr;
  }
  static bool take(const json::value& from, bool& v) {
    if (const auto* truth = from.if_bool())
      return v = *truth, true;
    return false;
  }
  static bool take(const json::value& from, std::uint32_t& v) { return take_number(from, v); }
  static bool take(const json::value& from, std::uint64_t& v) { return take_number(from, v); }
  static bool take(const json::value& from, instant& v) {
    std::int64_t ms = 0;
    if (!take_number(from, ms))
      return false;
    v = from_millis(ms);
    return true;
  }
  static bool take(const json::value& from, run_id& v) {
    const auto* text = from.if_string();
    const auto id = text ? uuid_from_text(*text) : std::nullopt;
    if (id)
      v = run_id{*id};
    return id.has_value();
  }
  template <class E>
  requires std::is_enum_v<E>
  static bool take(const json::value& from, E& v) {
    const auto* text = from.if_string();
    return text && words::from_word(*text, v);
  }
  template <class T> bool take(json::value& from, std::optional<T>& v) {
    return take(from, v.emplace());
  }
  template <class T> bool take(json::value& from, std::vector<T>& v) { return take_list(from, v); }
  template <class T> bool take(json::value& from, std::deque<T>& v) { return take_list(from, v); }
  template <class List> bool take_list(json::value& from, List& v) {
    auto* list = from.if_array();
    if (!list)
      return false;
    v.clear();
    return std::all_of(list->begin(), list->end(),
                       [&](json::value& one) { return take(one, v.emplace_back()); });
  }
  template <class K, class V, class C> bool take(json::value& from, std::map<K, V, C>& v) {
    auto* list = from.if_array();
    if (!list)
      return false;
    v.clear();
    for (json::value& one : *list) {
      auto* members = one.if_object();
      if (!members)
        return false;
      reader inner{*members};
      K k{};
      inner("key", k);
      inner("value", v[std::move(k)]);
      if (!inner.ok())
        return false;
    }
    return true;
  }
  bool take(json::value& from, value_ref& v) {
    auto* members = from.if_object();
    if (!members)
      return false;
    reader inner{*members};
    inner("value", v);
    return inner.ok();
  }
  template <class T>
  requires requires(T& v, reader& r) { each_member(v, r); }
  bool take(json::value& from, T& v) {
    auto* members = from.if_object();
    if (!members)
      return false;
    reader inner{*members};
    each_member(v, inner);
    return inner.ok();
  }

  json::object& from_;
  std::string culprit_;
};

} // namespace troupe::fields
