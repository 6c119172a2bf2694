// Requests that other nodes received, and questions of WebSockets.
#include "actors/gateway/life.hpp"
#include "actors/gateway/relayed_call.hpp"
#include "net/rest/problem.hpp"
#include "persistence/store/refusals.hpp"

#include <atomic>

namespace troupe::gate {

namespace {

/// Below what a link carries.
constexpr std::size_t answer_bytes_max = std::size_t{60} << 20;

/// A stream that nobody reads.
class closed_stream final : public http::stream {
public:
  bool write(std::string) override { return false; }
  void close() override {}
  bool open() const noexcept override { return false; }
  void on_close(std::function<void()> gone) override { gone(); }
};

failure answer_too_large() {
  return {failure_kind::upstream,
          "answer_too_large",
          "The answer is too large to come from another node.",
          "Ask the node that leads the partition: GET /api/v1/system/nodes tells which.",
          {}};
}

/// Sends the answer to the node that asked.
class answer_back final : public http::responder {
public:
  explicit answer_back(node_link::answer back) : back_(std::move(back)) {}
  ~answer_back() override { refuse(failed("The request was not answered.")); }

  void send(http::response what) override {
    if ((what.shared_body ? what.shared_body->size() : what.body.size()) > answer_bytes_max)
      return refuse(answer_too_large());
    if (!answered_.exchange(true))
      back_(encode_answer(what));
  }
  void refuse(const failure& why) {
    if (!answered_.exchange(true))
      back_(encode_refusal(why));
  }
  /// The node that asked streams by itself, so this cannot happen between nodes of one release.
  std::shared_ptr<http::stream> begin_stream(http::response) override {
    refuse(failed("Events are streamed by the node that the client is connected to."));
    return std::make_shared<closed_stream>();
  }
  void on_abort(std::function<void()>) override {}

private:
  static failure failed(std::string message) {
    return {failure_kind::internal, "internal_error", std::move(message), {}, {}};
  }
  const node_link::answer back_;
  std::atomic<bool> answered_{false};
};

failure body_too_large() {
  return {
      failure_kind::too_large, "body_too_large", "The body is too large for this route.", {}, {}};
}

void serve(const std::shared_ptr<core>& home, http::request r,
           const std::shared_ptr<answer_back>& to) {
  std::size_t body_limit = 0;
  if (auto refused = on_head(*home, r, body_limit))
    return to->send(std::move(*refused));
  if (r.body.size() > body_limit)
    return to->send(rest::to_problem(body_too_large(), r.header("x-request-id")));
  if (home->settings.budget)
    r.body_claim =
        std::make_shared<byte_claim>(home->settings.budget, budget_kind::bodies, r.body.size());
  on_request(home, std::move(r), to, [to](const failure& why) { to->refuse(why); });
}

/// What a route answers a WebSocket's question: its body, or why not.
result<json::value> result_of(const http::response& r) {
  if (r.status == 204 || r.body.empty())
    return json::value(json::object{});
  auto body = json::parse(r.body);
  if (!body || r.status < 300)
    return body;
  return failure{failure_kind::upstream,
                 std::string(json::text_or(*body, "code", "error")),
                 std::string(json::text_or(*body, "detail", "The request failed.")),
                 std::string(json::text_or(*body, "hint", "")),
                 {}};
}

std::string bytes_of(core& home, const socket_question& what, const relay_facts& facts) {
  header_list headers{{"x-request-id", home.new_request_id()},
                      {"content-type", "application/json"}};
  // The socket was let in; all nodes of a cluster have the same password.
  if (!home.settings.password.empty())
    headers.emplace_back("authorization", "Bearer " + home.settings.password);
  return encode_request(what.elsewhere(), headers, facts);
}

void ask(const std::shared_ptr<core>& home, const std::shared_ptr<socket_question>& what) {
  what->here([home, what](result<json::value> got) {
    if (got || !home->other_nodes || !about_leadership(got.error()))
      return what->answer(std::move(got));
    auto e = std::make_shared<errand>();
    e->repeatable = what->repeatable;
    e->patience = what->patience;
    e->progress = what->progress;
    e->bytes = [home, what](const relay_facts& facts) { return bytes_of(*home, *what, facts); };
    e->again = [home, what] { ask(home, what); };
    e->answered = [what](const http::response& r) { what->answer(result_of(r)); };
    e->failed = [what](const failure& why) { what->answer(why); };
    home->other_nodes->go(e, got.error());
  });
}

} // namespace

void serve_relayed(const std::shared_ptr<core>& home, std::string bytes, node_link::answer back) {
  auto to = std::make_shared<answer_back>(std::move(back));
  auto work = [home, to, bytes = std::move(bytes)]() mutable {
    auto got = decode_request(bytes);
    std::string().swap(bytes);
    if (!got)
      return to->refuse(got.error());
    const position told{partition_id{0}, got->facts.control_told};
    home->other_nodes->when_shown(
        {told}, [home, to, r = std::make_shared<http::request>(std::move(got->what))] {
          serve(home, std::move(*r), to);
        });
  };
  if (!home->other_nodes->work().soon(std::move(work)))
    to->refuse(
        not_leader({0, 0, false})); // it stops: nothing has happened, and somebody else will lead
}

socket_question known_run(core& home, const run_id& run) {
  socket_question out;
  out.repeatable = true;
  out.here = [&home, run](const reply<json::value>& answer) {
    home.engine.events(run, 0, 1, [answer](const result<event_page>& page) {
      answer(page ? result<json::value>(json::value(nullptr)) : result<json::value>(page.error()));
    });
  };
  out.elsewhere = [run] { return is_there(run); };
  return out;
}

void ask_anywhere(const std::shared_ptr<core>& home, socket_question what) {
  ask(home, std::make_shared<socket_question>(std::move(what)));
}

} // namespace troupe::gate
