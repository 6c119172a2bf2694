// /ws/worker: the messages of workers over one connection. {method: register, poll, heartbeat,
// complete, fail, results, unregister; data: the body of the HTTP route, with worker_id and task_id
// where the route has them in its path}. `worker_id` may be left out after `register`. On a node
// that does not lead control, where workers are known, a message is asked there as its HTTP route.
#include "actors/gateway/call.hpp"
#include "actors/gateway/relayed_call.hpp"
#include "actors/gateway/socket.hpp"

#include <mutex>

namespace troupe::gate {

namespace {

class worker_session : public std::enable_shared_from_this<worker_session> {
public:
  worker_session(std::shared_ptr<core> home, std::shared_ptr<http::websocket> socket)
      : home_(std::move(home)), socket_(std::move(socket)) {}

  void on_message(std::string_view text);
  /// A worker that came over this connection has gone with it: its tasks go to others at once.
  void on_closed() {
    const auto worker = registered();
    if (!worker.empty())
      leave(worker, [](const result<json::value>&) {});
  }

private:
  std::string registered() {
    const std::lock_guard lock(mutex_);
    return worker_;
  }
  void refuse(std::string_view method, const failure& why, const json::value* id) {
    socket_->send(to_text({method, {}, nullptr, &why, id}));
  }
  reply<json::value> answer(std::string method, std::optional<json::value> id) {
    return [self = shared_from_this(), method = std::move(method),
            id = std::move(id)](result<json::value> got) {
      const auto* echo = id ? &*id : nullptr;
      if (!got)
        return self->refuse(method, got.error(), echo);
      const auto text = json::write(got->is_null() ? json::value(json::object{}) : *got);
      self->socket_->send(to_text({method, {}, &text, nullptr, echo}));
    };
  }
  using engine_call = std::function<void(json::object data, reply<json::value> answer)>;
  /// One message: `here` asks the engine, `verb` and `path` are its HTTP route.
  void ask(engine_call here, http::method verb, std::string path, json::object data,
           reply<json::value> done);
  void leave(const std::string& worker, reply<json::value> done);
  void enroll(json::object data, std::optional<json::value> id);
  void dispatch(const std::string& method, json::object data, std::optional<json::value> id);

  const std::shared_ptr<core> home_;
  const std::shared_ptr<http::websocket> socket_;
  std::mutex mutex_; ///< guards worker_
  std::string worker_;
};

void worker_session::ask(engine_call here, http::method verb, std::string path, json::object data,
                         reply<json::value> done) {
  if (!home_->other_nodes)
    return here(std::move(data), std::move(done));
  const auto body = std::make_shared<const json::object>(std::move(data));
  socket_question what;
  what.here = [here = std::move(here), body](reply<json::value> answer) {
    here(*body, std::move(answer));
  };
  what.elsewhere = [verb, path = "/api/v1/skill-providers" + path, body] {
    http::request r;
    r.verb = verb;
    r.verb_text = rest::to_text(verb);
    r.path = path;
    r.body = json::write(json::value(*body));
    return r;
  };
  what.answer = std::move(done);
  what.patience = patience_of(*body, {});
  ask_anywhere(home_, std::move(what));
}

void worker_session::leave(const std::string& worker, reply<json::value> done) {
  auto here = [home = home_, worker](const json::object&, const reply<json::value>& answer) {
    home->engine.unregister_worker(worker, [answer](const result<done_at>& got) {
      answer(got ? result<json::value>(json::value(json::object{}))
                 : result<json::value>(got.error()));
    });
  };
  ask(std::move(here), http::method::delete_, "/" + worker, {}, std::move(done));
}

void worker_session::enroll(json::object data, std::optional<json::value> id) {
  auto here = [home = home_](json::object body, const reply<json::value>& answer) {
    home->engine.register_worker(std::move(body), [answer](const result<worker_info>& got) {
      if (!got)
        return answer(got.error());
      answer(json::value(json::object{{"id", json::string(got->id)},
                                      {"token", json::string(got->token)},
                                      {"heartbeat_seconds", got->heartbeat_seconds}}));
    });
  };
  auto done = [self = shared_from_this(),
               answered = answer("register", std::move(id))](result<json::value> got) {
    if (got) {
      const std::lock_guard lock(self->mutex_);
      self->worker_ = json::text_or(*got, "id", "");
    }
    answered(std::move(got));
  };
  ask(std::move(here), http::method::post, "", std::move(data), std::move(done));
}

void worker_session::dispatch(const std::string& method, json::object data,
                              std::optional<json::value> id) {
  rest::fields in(data, "data.");
  const auto worker = in.text("worker_id", registered());
  const auto task = in.text("task_id");
  const bool about_task = method == "heartbeat" || method == "complete" || method == "fail";
  if (worker.empty())
    in.complain("worker_id", "required", "is required before register");
  if (about_task && task.empty())
    in.complain("task_id", "required", "is required");
  if (const auto fault = in.fault())
    return refuse(method, *fault, id ? &*id : nullptr);
  const auto home = home_;
  const auto post = [&](engine_call here, std::string path) {
    ask(std::move(here), http::method::post, "/" + worker + path, std::move(data),
        answer(method, id));
  };
  if (about_task)
    post(
        [=](json::object body, reply<json::value> done) {
          home->engine.task_message(worker, task, method, std::move(body), std::move(done));
        },
        "/tasks/" + task + "/" + method);
  else if (method == "poll")
    post(
        [=](json::object body, reply<json::value> done) {
          home->engine.poll_tasks(worker, std::move(body), std::move(done));
        },
        "/poll");
  else if (method == "results")
    post(
        [=](json::object body, reply<json::value> done) {
          home->engine.task_results(worker, std::move(body), std::move(done));
        },
        "/results");
  else if (method == "unregister")
    leave(worker, answer(method, id));
  else
    refuse(method, invalid("unknown_method", "There is no such method."), id ? &*id : nullptr);
}

void worker_session::on_message(std::string_view text) {
  auto parsed = json::parse(text, {rest::body_depth_max, std::size_t{1} << 20});
  if (!parsed)
    return refuse("error", parsed.error(), nullptr);
  const std::string method(json::text_or(*parsed, "method", ""));
  if (method.empty())
    return refuse("error", invalid("bad_message", "A message needs a method."), nullptr);
  std::optional<json::value> id;
  if (const auto* given = json::find(*parsed, "id"))
    id = *given;
  const auto* data = json::find(*parsed, "data");
  if (data != nullptr && !data->is_object() && !data->is_null())
    return refuse(method, invalid("wrong_type", "Field 'data' must be an object."),
                  id ? &*id : nullptr);
  json::object given = data != nullptr && data->is_object() ? data->get_object() : json::object{};
  if (method == "register")
    enroll(std::move(given), std::move(id));
  else
    dispatch(method, std::move(given), std::move(id));
}

} // namespace

http::websocket_events worker_socket(const std::shared_ptr<core>& home,
                                     std::shared_ptr<http::websocket> socket) {
  auto session = std::make_shared<worker_session>(home, std::move(socket));
  return {[session](std::string_view text) { session->on_message(text); },
          [session] { session->on_closed(); }};
}

} // namespace troupe::gate
