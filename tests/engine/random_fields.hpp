// Fills the fields of events and of states with random or with full values, by the lists of members
// that the codec reads, so that a new member is tested without a line here.
#pragma once

#include "runtime/base/hash.hpp"
#include "runtime/base/prng.hpp"
#include "runtime/engine/event_fields.hpp"
#include "runtime/engine/members.hpp"
#include "runtime/engine/state_members.hpp"
#include "runtime/engine/words.hpp"

#include <deque>
#include <map>

namespace troupe::test {

/// The number of enumerators: every value below it has a word that reads back.
template <class E> constexpr std::uint64_t enumerators = 0;
template <> inline constexpr std::uint64_t enumerators<run_status> = 10;
template <> inline constexpr std::uint64_t enumerators<step_status> = 10;
template <> inline constexpr std::uint64_t enumerators<failure_outcome> = 4;
template <> inline constexpr std::uint64_t enumerators<skip_kind> = 3;
template <> inline constexpr std::uint64_t enumerators<wait_kind> = 9;
template <> inline constexpr std::uint64_t enumerators<timer_purpose> = 3;
template <> inline constexpr std::uint64_t enumerators<review_decision> = 5;
template <> inline constexpr std::uint64_t enumerators<resolution> = 7;

/// How much is set: nothing, everything, or what chance says.
enum class fill_mode { zero, full, random };

class filler {
public:
  filler(std::uint64_t seed, fill_mode mode) : random_(seed), mode_(mode) {}

  template <class T> void operator()(std::string_view, T& v) { fill(v); }

private:
  bool set() {
    return mode_ == fill_mode::full || (mode_ == fill_mode::random && random_.below(2) == 0);
  }
  std::size_t length() {
    return mode_ == fill_mode::zero ? 0 : mode_ == fill_mode::full ? 2 : random_.below(4);
  }

  void fill(std::string& v) {
    static constexpr std::string_view pieces[] = {"a",  "node_1", " ", "\"", "\\", "\n", "é",
                                                  "漢", "\x01",   "0", "/",  "{",  "😀"};
    v.clear();
    if (!set())
      return;
    for (auto n = 1 + random_.below(6); n > 0; --n)
      v += pieces[random_.below(std::size(pieces))];
  }
  void fill(bool& v) { v = set(); }
  template <std::unsigned_integral T> void fill(T& v) {
    const auto any = static_cast<T>(random_.next() >> random_.below(64));
    v = !set() ? T{0} : any == 0 ? T{1} : any;
  }
  void fill(instant& v) {
    v = set() ? from_millis(1 + static_cast<std::int64_t>(random_.below(4'000'000'000'000)))
              : instant{};
  }
  void fill(run_id& v) {
    v = set() ? make_run_id(from_millis(1'700'000'000'000), partition_id{3}, random_.next())
              : run_id{};
  }
  template <class E>
  requires(enumerators<E> > 0) void fill(E& v) {
    v = static_cast<E>(mode_ == fill_mode::zero ? 0 : random_.below(enumerators<E>));
  }
  json::value some_json(int depth) {
    switch (random_.below(depth > 2 ? 6 : 8)) {
    case 0: return nullptr;
    case 1: return random_.below(2) == 0;
    case 2: return static_cast<std::int64_t>(random_.next());
    case 3: return random_.next();
    case 4: return random_.unit() * 1e6;
    case 5: {
      std::string text;
      fill(text);
      return json::string(text);
    }
    case 6: {
      json::array list;
      for (auto n = random_.below(4); n > 0; --n)
        list.push_back(some_json(depth + 1));
      return list;
    }
    default: {
      json::object members;
      for (auto n = random_.below(4); n > 0; --n)
        members["k" + std::to_string(n)] = some_json(depth + 1);
      return members;
    }
    }
  }
  void fill(shared_value& v) { v = set() ? share(some_json(0)) : nullptr; }
  void fill(value_ref& v) {
    if (!set())
      v = {};
    else if (random_.below(3) != 0)
      v = value_ref{share(some_json(0))};
    else {
      blob_id id;
      for (auto& byte : id)
        byte = static_cast<std::uint8_t>(random_.next());
      v = value_ref{id, random_.below(1u << 30)};
    }
  }
  template <class T> void fill(std::optional<T>& v) {
    v.reset();
    if (set())
      fill(v.emplace());
  }
  template <class T> void fill(std::vector<T>& v) { fill_list(v); }
  template <class T> void fill(std::deque<T>& v) { fill_list(v); }
  template <class List> void fill_list(List& v) {
    v.clear();
    for (auto n = length(); n > 0; --n)
      fill(v.emplace_back());
  }
  template <class K, class V, class C> void fill(std::map<K, V, C>& v) {
    v.clear();
    for (auto n = length(); n > 0; --n) {
      K key{};
      fill(key);
      fill(v[key]);
    }
  }
  template <class T>
  requires requires(T& v, filler& f) { each_member(v, f); }
  void fill(T& v) { each_member(v, *this); }

  prng random_;
  fill_mode mode_;
};

/// A readable form of every member, made without the codec.
class shower {
public:
  std::string text;

  template <class T> void operator()(std::string_view name, const T& v) {
    text.append(name).append("=");
    show(v);
    text.append(";");
  }

private:
  void show(const std::string& v) { text.append("'").append(v).append("'"); }
  void show(bool v) { text += v ? "yes" : "no"; }
  template <std::unsigned_integral T> void show(T v) { text += std::to_string(v); }
  void show(instant v) { text += std::to_string(to_millis(v)); }
  void show(const run_id& v) { text += to_text(v); }
  template <class E>
  requires(enumerators<E> > 0) void show(E v) { text += "#" + std::to_string(static_cast<int>(v)); }
  void show(const shared_value& v) { text += v ? json::write(*v) : std::string{"-"}; }
  void show(const value_ref& v) {
    if (!v.is_blob())
      return show(v.inline_value());
    for (const auto byte : v.id())
      text += std::to_string(byte) + ".";
    text += "/" + std::to_string(v.bytes());
  }
  template <class T> void show(const std::optional<T>& v) { v ? show(*v) : void(text += "-"); }
  template <class T> void show(const std::vector<T>& v) { show_list(v); }
  template <class T> void show(const std::deque<T>& v) { show_list(v); }
  template <class List> void show_list(const List& v) {
    text += "[";
    for (const auto& one : v) {
      show(one);
      text += ",";
    }
    text += "]";
  }
  template <class K, class V, class C> void show(const std::map<K, V, C>& v) {
    text += "[";
    for (const auto& [key, one] : v) {
      show(key);
      text += ":";
      show(one);
      text += ",";
    }
    text += "]";
  }
  template <class T>
  requires requires(const T& v, shower& s) { each_member(v, s); }
  void show(const T& v) {
    text += "{";
    each_member(v, *this);
    text += "}";
  }
};

inline std::string shown(const event& e) {
  shower s;
  s("seq", e.seq);
  s("time", e.time);
  std::visit([&](const auto& what) { each_field(what, s); }, e.what);
  return std::string{kind_of(e.what)} + " " + s.text;
}

namespace detail {
template <std::size_t... I> std::vector<events::any> all_kinds(std::index_sequence<I...>) {
  return {events::any{std::variant_alternative_t<I, events::any>{}}...};
}
} // namespace detail

/// One event of every kind, as default-constructed.
inline std::vector<events::any> every_kind() {
  return detail::all_kinds(std::make_index_sequence<std::variant_size_v<events::any>>{});
}

inline event filled(events::any what, sequence_number seq, std::uint64_t seed, fill_mode mode) {
  filler fill{seed, mode};
  std::visit([&](auto& e) { each_field(e, fill); }, what);
  return {seq, from_millis(1'800'000'000'000 + static_cast<std::int64_t>(seed % 1000)),
          std::move(what)};
}

/// Stands for SHA-256: the core takes the function as a parameter.
inline chain_hash weak_digest(std::string_view a, std::string_view b) {
  chain_hash hash{};
  for (std::size_t part = 0; part < 4; ++part) {
    const auto h = hash64(b, hash64(a, part));
    for (std::size_t i = 0; i < 8; ++i)
      hash[part * 8 + i] = static_cast<std::uint8_t>(h >> (8 * i));
  }
  return hash;
}

} // namespace troupe::test
