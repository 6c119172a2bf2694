// Requests between clients and other nodes: calls that are sent on, and those that come from there.
// Private to this folder.
#pragma once

#include "actors/gateway/call.hpp"
#include "actors/gateway/relay.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace troupe::gate {

/// On a request between nodes: the client's start was counted where it came in.
constexpr std::string_view counted_header = "x-troupe-counted";

/// Takes a call that was refused for reasons of leadership to where it can be served; its answer
/// comes from there. False: nothing can be done, the caller refuses it.
bool sent_elsewhere(const call_ptr& c, const failure& why);

/// GET …/events?limit=1: whether a run is there.
http::request is_there(const run_id& run);

/// How long another node may take: longer where the client says that it waits, in the body
/// (wait_seconds, timeout_seconds) or by ?wait=.
std::chrono::milliseconds patience_of(const json::object& body, std::string_view wait);

/// Where another node is known to lead control, sends the call there: for what only that node
/// knows. True: it is on its way.
bool sent_to_control(const call_ptr& c);

/// Serves a client's request that another node received, as if it had come here; `back` gets the
/// encoded answer. Called on any thread; returns at once.
void serve_relayed(const std::shared_ptr<core>& home, std::string bytes, node_link::answer back);

/// A question of a WebSocket, which has no call: asked of the engine, and as a request of other
/// nodes where it is led there.
struct socket_question {
  std::function<void(reply<json::value>)> here;
  std::function<http::request()> elsewhere; ///< verb, path, query and body are enough
  reply<json::value> answer;
  bool repeatable = false;
  std::chrono::milliseconds patience = patience_of({}, {});
  std::shared_ptr<relay_progress> progress = std::make_shared<relay_progress>();
};
/// Whether a run is there; its answer is still to be filled in.
socket_question known_run(core& home, const run_id& run);
void ask_anywhere(const std::shared_ptr<core>& home, socket_question what);

} // namespace troupe::gate
