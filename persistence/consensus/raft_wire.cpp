#include "persistence/consensus/raft_wire.hpp"

#include <type_traits>

namespace troupe::raft {

namespace {

constexpr std::uint32_t members_max = 1'000;

// Every struct names its fields once, for both ways.
template <class S> bool fields(S& s, ballot& v) {
  return s(v.term) && s(v.voted_for);
}
template <class S> bool fields(S& s, request_vote& v) {
  return s(v.term) && s(v.last_index) && s(v.last_term) && s(v.disrupt_leader) && s(v.pre_vote) &&
         s(v.released_ms);
}
template <class S> bool fields(S& s, vote& v) {
  return s(v.term) && s(v.granted) && s(v.pre_vote);
}
template <class S> bool fields(S& s, append_entries& v) {
  return s(v.term) && s(v.previous_index) && s(v.previous_term) && s(v.commit) && s(v.entries) &&
         s(v.sent_ms);
}
template <class S> bool fields(S& s, append_result& v) {
  return s(v.term) && s(v.rejected) && s(v.last_index) && s(v.heard_ms);
}
template <class S> bool fields(S& s, snapshot_mark& v) {
  return s(v.index) && s(v.term) && s(v.members) && s(v.members_index);
}
template <class S> bool fields(S& s, install_snapshot& v) {
  return s(v.term) && fields(s, v.mark);
}
template <class S> bool fields(S& s, timeout_now& v) {
  return s(v.term) && s(v.last_index) && s(v.last_term) && s(v.released_ms);
}
template <class S> bool fields(S& s, fetch_state& v) {
  return s(v.transfer) && s(v.part);
}
template <class S> bool fields(S& s, state_part& v) {
  return s(v.transfer) && s(v.part) && s(v.last) && s(v.rows) && s(v.head);
}

struct writing {
  byte_writer& to;
  bool operator()(const unsigned long long& v) { return (to.u64(v), true); }
  bool operator()(const unsigned long& v) { return (to.u64(v), true); }
  bool operator()(const std::uint32_t& v) { return (to.u32(v), true); }
  bool operator()(const bool& v) { return (to.u8(v ? 1 : 0), true); }
  bool operator()(const std::string& v) { return (to.text(v), true); }
  bool operator()(const membership& v) {
    to.u32(static_cast<std::uint32_t>(v.size()));
    for (const auto& one : v)
      to.u64(one.node).u8(static_cast<std::uint8_t>(one.role));
    return true;
  }
  bool operator()(const std::vector<entry_ptr>& v) {
    to.u32(static_cast<std::uint32_t>(v.size()));
    for (const auto& one : v)
      to.u64(one->term).u8(static_cast<std::uint8_t>(one->kind)).text(one->bytes);
    return true;
  }
};

struct reading {
  byte_reader& from;
  bool operator()(unsigned long long& v) { return from.integer(v); }
  bool operator()(unsigned long& v) { return from.integer(v); }
  bool operator()(std::uint32_t& v) { return from.integer(v); }
  bool operator()(bool& v) {
    std::uint8_t read = 0;
    if (!from.integer(read) || read > 1)
      return false;
    v = read == 1;
    return true;
  }
  bool operator()(std::string& v) {
    std::string_view read;
    if (!from.text(read))
      return false;
    v = read;
    return true;
  }
  bool operator()(membership& v) {
    std::uint32_t count = 0;
    if (!from.integer(count) || count > members_max)
      return false;
    for (; count > 0; --count) {
      auto& one = v.emplace_back();
      std::uint8_t role = 0;
      if (!(*this)(one.node) || !from.integer(role) || role > 1)
        return false;
      one.role = static_cast<member_role>(role);
    }
    return true;
  }
  bool operator()(std::vector<entry_ptr>& v) {
    std::uint32_t count = 0;
    if (!from.integer(count))
      return false;
    for (; count > 0; --count) {
      auto one = std::make_shared<entry>();
      std::uint8_t kind = 0;
      if (!(*this)(one->term) || !from.integer(kind) || kind < 1 || kind > 4 ||
          !(*this)(one->bytes))
        return false;
      one->kind = static_cast<entry_kind>(kind);
      v.push_back(std::move(one));
    }
    return true;
  }
};

template <class T> void write_fields(byte_writer& to, const T& what) {
  writing out{to};
  fields(out, const_cast<T&>(what)); // it only reads
}

template <class T> bool read_fields(byte_reader& from, T& what) {
  reading in{from};
  return fields(in, what);
}

template <class T> bool read_as(byte_reader& from, wire_message& into, message head) {
  T read;
  if (!read_fields(from, read))
    return false;
  if constexpr (std::is_constructible_v<decltype(head.what), T>) {
    head.what = std::move(read);
    into = std::move(head);
  } else {
    into = std::move(read);
  }
  return true;
}

constexpr std::uint8_t fetch_kind = 16, part_kind = 17;

bool read_one(byte_reader& from, std::uint8_t kind, wire_message& into, message head) {
  switch (kind) {
  case 0: return read_as<request_vote>(from, into, std::move(head));
  case 1: return read_as<vote>(from, into, std::move(head));
  case 2: return read_as<append_entries>(from, into, std::move(head));
  case 3: return read_as<append_result>(from, into, std::move(head));
  case 4: return read_as<install_snapshot>(from, into, std::move(head));
  case 5: return read_as<timeout_now>(from, into, std::move(head));
  case fetch_kind: return read_as<fetch_state>(from, into, std::move(head));
  case part_kind: return read_as<state_part>(from, into, std::move(head));
  default: return false;
  }
}

template <class T> std::string stored(const T& what) {
  byte_writer out;
  out.u8(1);
  write_fields(out, what);
  return out.take();
}

template <class T> bool from_stored(std::string_view bytes, T& what) {
  byte_reader in(bytes);
  std::uint8_t format = 0;
  return in.integer(format) && format == 1 && read_fields(in, what) && in.done();
}

} // namespace

void write_message(byte_writer& to, partition_id partition, const wire_message& what) {
  if (to.size() == 0)
    to.u8(wire_version);
  to.u16(number(partition));
  if (const auto* plain = std::get_if<message>(&what)) {
    to.u8(static_cast<std::uint8_t>(plain->what.index()));
    std::visit([&](const auto& one) { write_fields(to, one); }, plain->what);
  } else if (const auto* fetch = std::get_if<fetch_state>(&what)) {
    to.u8(fetch_kind);
    write_fields(to, *fetch);
  } else {
    to.u8(part_kind);
    write_fields(to, std::get<state_part>(what));
  }
}

bool read_messages(std::string_view bytes, node_number from, node_number self,
                   const std::function<void(partition_id, wire_message)>& each) {
  byte_reader in(bytes);
  std::uint8_t version = 0;
  if (!in.integer(version) || version != wire_version)
    return false;
  while (!in.done()) {
    std::uint16_t partition = 0;
    std::uint8_t kind = 0;
    wire_message one;
    if (!in.integer(partition) || !in.integer(kind) ||
        !read_one(in, kind, one, message{from, self, {}}))
      return false;
    each(partition_id{partition}, std::move(one));
  }
  return true;
}

std::string encode(const ballot& what) {
  return stored(what);
}
bool decode(std::string_view bytes, ballot& what) {
  return from_stored(bytes, what);
}
std::string encode(const snapshot_mark& what) {
  return stored(what);
}
bool decode(std::string_view bytes, snapshot_mark& what) {
  return from_stored(bytes, what);
}

} // namespace troupe::raft
