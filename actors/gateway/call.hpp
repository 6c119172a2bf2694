// One request on its way: what was asked, and how it is answered. Private to this folder.
#pragma once

#include "actors/gateway/core.hpp"
#include "net/rest/decode.hpp"
#include "net/rest/page.hpp"

#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace troupe::gate {

struct relay_progress;

/// Made on the io thread, or on the one for other nodes; answered once, from any thread.
struct call : std::enable_shared_from_this<call> {
  std::shared_ptr<core> home;
  http::request request;
  std::shared_ptr<http::responder> to;
  rest::route_match match;
  json::object body;
  std::shared_ptr<byte_claim> held; ///< what a large body counts as, parsed
  std::string request_id, trace_id, trace_flags = "01";
  std::uint64_t parent_span = 0; ///< of who called; 0: nobody said
  std::optional<run_id> run;     ///< begun by this request
  std::chrono::steady_clock::time_point begun;

  /// Set where another node received the request: tells it that the request must be asked
  /// elsewhere.
  std::function<void(const failure&)> bounce;
  std::shared_ptr<relay_progress> progress; ///< once it was sent elsewhere
  std::chrono::milliseconds patience{};     ///< for another node's answer
  std::uint64_t own_span = 0;               ///< parent of another node's span; 0: none was asked
  bool rate_checked = false;                ///< counts as one start, however often it is tried

  engine_port& engine() const { return home->engine; }
  const rest::route& row() const { return home->routes.at(match.index); }
  std::string path(std::string_view name) const { return std::string(match.parameter(name)); }

  void send(http::response what);
  void json_text(unsigned status, std::string text);
  void json(unsigned status, const json::value& v) { json_text(status, json::write(v)); }
  void shared_json(unsigned status, std::shared_ptr<const std::string> text);
  /// Answers with a problem, or finds who can serve the request when this node does not lead.
  void refuse(const failure& why);
  void answer_problem(const failure& why);
  /// A run was begun (or is an earlier one, by its key): its trace goes on from this request.
  void begins(const started_run& what) {
    if (!what.repeated)
      run = what.id;
  }
  /// A list page of the views.
  void page(const view_page& page);
  /// A list that is in memory, by limit and cursor.
  void page_of(const json::array& all);
  /// Headers that belong to the answer; before it is sent.
  void header(std::string_view name, std::string_view value);
  void at(const position& where); ///< Troupe-Position; nothing for position {0, 0}
  void forget_headers() { headers_.clear(); }

  /// The head of an event stream. Counts as the answer.
  std::shared_ptr<http::stream> begin_stream();

private:
  void complete(http::response& what);
  std::vector<std::pair<std::string, std::string>> headers_;
};

using call_ptr = std::shared_ptr<call>;

/// A reply that refuses failures and hands on values; exceptions become a 500.
template <class T, class F> reply<T> then(const call_ptr& c, F use) {
  return [c, use = std::move(use)](result<T> got) {
    if (!got)
      return c->refuse(got.error());
    try {
      use(std::move(*got));
    } catch (const std::exception&) {
      c->refuse({failure_kind::internal, "internal_error", "The request failed.", {}, {}});
    }
  };
}

failure not_found(std::string code, std::string message);
/// The run named by a path parameter; refuses with 404 and gives nothing otherwise.
std::optional<run_id> run_of(const call_ptr& c, std::string_view name = "id");
/// The version of the workflow in the path (0: active); refuses and gives nullptr otherwise.
workflow_ptr workflow_of(const call_ptr& c, std::uint32_t version = 0);
/// A number out of a path or query; refuses with 422 otherwise.
std::optional<std::uint32_t> version_of(const call_ptr& c, std::string_view text);
/// Positions that the answer must have seen; refuses with 422 otherwise.
std::optional<std::vector<position>> positions_of(const call_ptr& c);
/// Asks the views and answers with the page.
void answer_query(const call_ptr& c, view_query what);

using handler_row = std::pair<std::string_view, call_handler>;
// Handlers by the names in the table of routes, one function a file.
std::vector<handler_row> workflow_handlers();
std::vector<handler_row> version_handlers();
std::vector<handler_row> catalogue_handlers();
std::vector<handler_row> start_handlers();
std::vector<handler_row> execution_handlers();
std::vector<handler_row> review_handlers();
std::vector<handler_row> skill_handlers();
std::vector<handler_row> skill_instance_handlers();
std::vector<handler_row> worker_handlers();
std::vector<handler_row> job_handlers();
std::vector<handler_row> system_handlers();
std::vector<handler_row> root_handlers();
std::vector<handler_row> cluster_handlers();

} // namespace troupe::gate
