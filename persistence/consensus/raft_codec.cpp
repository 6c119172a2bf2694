#include "persistence/consensus/raft_codec.hpp"

#include "persistence/consensus/raft_library.hpp"
#include "runtime/base/invariant.hpp"

namespace troupe::raft {

namespace {

/// Of the library's message structures, as its own transport sets them.
constexpr unsigned char vote_version = 2, result_version = 2, other_version = 0;

template <class... Cases> struct overloaded : Cases... { using Cases::operator()...; };

} // namespace

raft_configuration to_library(const membership& members) {
  raft_configuration out;
  raft_configuration_init(&out);
  for (const auto& one : members)
    check(raft_configuration_add(&out, one.node, std::to_string(one.node).c_str(),
                                 one.role == member_role::voter ? RAFT_VOTER : RAFT_STANDBY) == 0,
          "a membership names a node twice");
  return out;
}

membership from_library(const raft_configuration& members) {
  membership out;
  for (unsigned i = 0; i < members.n; ++i)
    out.push_back({members.servers[i].id, members.servers[i].role == RAFT_VOTER
                                              ? member_role::voter
                                              : member_role::learner});
  return out;
}

std::string encode(const membership& members) {
  auto configuration = to_library(members);
  raft_buffer bytes{};
  check(raft_configuration_encode(&configuration, &bytes) == 0, "out of memory");
  std::string out(static_cast<const char*>(bytes.base), bytes.len);
  raft_free(bytes.base);
  raft_configuration_close(&configuration);
  return out;
}

std::optional<membership> membership_from(std::string_view bytes) {
  std::string copy(bytes);
  const raft_buffer buffer{copy.data(), copy.size()};
  raft_configuration configuration;
  raft_configuration_init(&configuration);
  std::optional<membership> out;
  if (raft_configuration_decode(&buffer, &configuration) == 0) {
    out = from_library(configuration);
    raft_configuration_close(&configuration);
  }
  return out;
}

raft_message to_library(const message& what, const char* address) {
  raft_message out{};
  out.server_id = what.from;
  out.server_address = address;
  std::visit(
      overloaded{
          [&](const request_vote& m) {
            out.type = RAFT_REQUEST_VOTE;
            out.request_vote = {vote_version, m.term,           what.from, m.last_index,
                                m.last_term,  m.disrupt_leader, m.pre_vote};
          },
          [&](const vote& m) {
            out.type = RAFT_REQUEST_VOTE_RESULT;
            out.request_vote_result = {vote_version, m.term, m.granted, m.pre_vote, 0, 0};
          },
          [&](const append_entries& m) {
            out.type = RAFT_APPEND_ENTRIES;
            out.append_entries = {
                other_version, m.term, m.previous_index, m.previous_term, m.commit, nullptr, 0};
          },
          [&](const append_result& m) {
            out.type = RAFT_APPEND_ENTRIES_RESULT;
            out.append_entries_result = {result_version, m.term, m.rejected, m.last_index, 0, 0};
          },
          [&](const install_snapshot& m) {
            out.type = RAFT_INSTALL_SNAPSHOT;
            out.install_snapshot = {other_version,
                                    m.term,
                                    m.mark.index,
                                    m.mark.term,
                                    to_library(m.mark.members),
                                    m.mark.members_index,
                                    {nullptr, 0}};
          },
          [&](const timeout_now& m) {
            out.type = RAFT_TIMEOUT_NOW;
            out.timeout_now = {other_version, m.term, m.last_index, m.last_term};
          },
      },
      what.what);
  return out;
}

message from_library(const raft_message& what, node_number self,
                     const std::optional<snapshot_mark>& snapshot) {
  message out{self, what.server_id, {}};
  switch (what.type) {
  case RAFT_REQUEST_VOTE: {
    const auto& m = what.request_vote;
    out.what =
        request_vote{m.term, m.last_log_index, m.last_log_term, m.disrupt_leader, m.pre_vote, 0};
    break;
  }
  case RAFT_REQUEST_VOTE_RESULT: {
    const auto& m = what.request_vote_result;
    out.what = vote{m.term, m.vote_granted, m.pre_vote};
    break;
  }
  case RAFT_APPEND_ENTRIES_RESULT: {
    const auto& m = what.append_entries_result;
    out.what = append_result{m.term, m.rejected, m.last_log_index, 0};
    break;
  }
  case RAFT_INSTALL_SNAPSHOT:
    check(snapshot && snapshot->index == what.install_snapshot.last_index,
          "a snapshot is sent that is not there");
    out.what = install_snapshot{what.install_snapshot.term, *snapshot};
    break;
  case RAFT_TIMEOUT_NOW: {
    const auto& m = what.timeout_now;
    out.what = timeout_now{m.term, m.last_log_index, m.last_log_term, 0};
    break;
  }
  default: check(false, "the library sends a message of an unknown kind");
  }
  return out;
}

} // namespace troupe::raft
