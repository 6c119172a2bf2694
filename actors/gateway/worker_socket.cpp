// /ws/worker: the messages of workers over one connection. {method: register, poll, heartbeat,
// complete, fail, results, unregister; data: the body of the HTTP route, with worker_id and task_id
// where the route has them in its path}. `worker_id` may be left out after `register`.
#include "actors/gateway/call.hpp"
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
      home_->engine.unregister_worker(worker, [](result<done_at>) {});
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
  void enroll(json::object data, std::optional<json::value> id);
  void dispatch(const std::string& method, json::object data, std::optional<json::value> id);

  const std::shared_ptr<core> home_;
  const std::shared_ptr<http::websocket> socket_;
  std::mutex mutex_; ///< guards worker_
  std::string worker_;
};

void worker_session::enroll(json::object data, std::optional<json::value> id) {
  auto done = answer("register", std::move(id));
  home_->engine.register_worker(
      std::move(data), [self = shared_from_this(), done](result<worker_info> got) {
        if (!got)
          return done(got.error());
        {
          const std::lock_guard lock(self->mutex_);
          self->worker_ = got->id;
        }
        done(json::value(json::object{{"id", json::string(got->id)},
                                      {"token", json::string(got->token)},
                                      {"heartbeat_seconds", got->heartbeat_seconds}}));
      });
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
  auto done = answer(method, id);
  if (about_task)
    home_->engine.task_message(worker, task, method, std::move(data), std::move(done));
  else if (method == "poll")
    home_->engine.poll_tasks(worker, std::move(data), std::move(done));
  else if (method == "results")
    home_->engine.task_results(worker, std::move(data), std::move(done));
  else if (method == "unregister")
    home_->engine.unregister_worker(worker, [done](result<done_at> got) {
      done(got ? result<json::value>(json::value(json::object{}))
               : result<json::value>(got.error()));
    });
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
