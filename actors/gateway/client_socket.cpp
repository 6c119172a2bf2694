// /ws: events of executions and workflows for consoles and programs.
#include "actors/gateway/call.hpp"
#include "actors/gateway/relayed_call.hpp"
#include "actors/gateway/socket.hpp"

#include <map>
#include <mutex>

namespace troupe::gate {

namespace {

/// Sends a channel's events over the socket. A socket that takes no more is closed by the server.
class channel_subscriber final : public subscriber {
public:
  channel_subscriber(std::shared_ptr<http::websocket> out, std::string channel)
      : out_(std::move(out)), channel_(std::move(channel)) {}

  bool on_event(const run_id& run, sequence_number, std::string_view,
                const std::shared_ptr<const std::string>& event) override {
    const auto text = with_id(run, *event);
    return out_->send(to_text({"execution_event", channel_, &text, nullptr, nullptr}));
  }
  bool on_live(const run_id& run, std::string_view kind,
               const std::shared_ptr<const std::string>& json) override {
    std::string text = R"({"execution_id":")" + troupe::to_text(run) + R"(","kind":)";
    json::write_string(text, kind);
    text += R"(,"data":)" + *json + "}";
    return out_->send(to_text({"execution_event", channel_, &text, nullptr, nullptr}));
  }
  void on_end(const run_id& run) override {
    const std::string text = R"({"execution_id":")" + troupe::to_text(run) + "\"}";
    out_->send(to_text({"execution_end", channel_, &text, nullptr, nullptr}));
  }

private:
  static std::string with_id(const run_id& run, std::string_view event) {
    std::string out = R"({"execution_id":")" + troupe::to_text(run) + "\",";
    return out.append(event.substr(1));
  }

  const std::shared_ptr<http::websocket> out_;
  const std::string channel_;
};

class client_session : public std::enable_shared_from_this<client_session> {
public:
  client_session(std::shared_ptr<core> home, std::shared_ptr<http::websocket> socket)
      : home_(std::move(home)), socket_(std::move(socket)) {}

  void on_message(std::string_view text);
  void on_closed() {
    std::map<std::string, held_channel> dropped; // ends outside of the lock
    const std::lock_guard lock(mutex_);
    closed_ = true;
    dropped.swap(channels_);
  }

private:
  void answer(std::string_view method, std::string_view channel, const json::value* id,
              const std::string* data = nullptr) {
    socket_->send(to_text({method, channel, data, nullptr, id}));
  }
  void refuse(std::string_view method, const failure& why, const json::value* id) {
    socket_->send(to_text({method, {}, nullptr, &why, id}));
  }
  void subscribe_execution(const json::object& data, const json::value* id);
  void subscribe_workflow(const json::object& data, const json::value* id);
  void unsubscribe(const json::object& data, const json::value* id);
  /// Takes a place at once, so that an `unsubscribe` behind it finds it. The ticket is 0 when there
  /// are too many, or the socket is closed.
  std::uint64_t reserve(const std::string& channel);
  /// Ends what the channel had before. False: the ticket is not the channel's last any more.
  bool begin(const std::string& channel, std::uint64_t ticket);
  void hold(const std::string& channel, std::uint64_t ticket, std::shared_ptr<void> handle);
  /// Gives back the place of a subscription that could not be made.
  void give_back(const std::string& channel, std::uint64_t ticket);

  const std::shared_ptr<core> home_;
  const std::shared_ptr<http::websocket> socket_;
  struct held_channel {
    std::uint64_t ticket = 0;     ///< of the last subscription
    std::shared_ptr<void> handle; ///< empty: being made
  };
  std::mutex mutex_; ///< guards what is below
  std::map<std::string, held_channel> channels_;
  std::uint64_t tickets_ = 0;
  bool closed_ = false;
};

std::uint64_t client_session::reserve(const std::string& channel) {
  const std::lock_guard lock(mutex_);
  if (closed_ || (!channels_.contains(channel) &&
                  channels_.size() >= home_->settings.socket_subscriptions_max))
    return 0;
  return channels_[channel].ticket = ++tickets_;
}

bool client_session::begin(const std::string& channel, std::uint64_t ticket) {
  std::shared_ptr<void> old; // ends outside of the lock
  const std::lock_guard lock(mutex_);
  const auto found = channels_.find(channel);
  if (closed_ || found == channels_.end() || found->second.ticket != ticket)
    return false;
  old = std::exchange(found->second.handle, nullptr);
  return true;
}

void client_session::hold(const std::string& channel, std::uint64_t ticket,
                          std::shared_ptr<void> handle) {
  const std::lock_guard lock(mutex_);
  const auto found = channels_.find(channel);
  if (!closed_ && found != channels_.end() && found->second.ticket == ticket)
    found->second.handle = std::move(handle);
}

void client_session::give_back(const std::string& channel, std::uint64_t ticket) {
  const std::lock_guard lock(mutex_);
  const auto found = channels_.find(channel);
  if (found != channels_.end() && found->second.ticket == ticket && !found->second.handle)
    channels_.erase(found);
}

failure overtaken() {
  return {failure_kind::conflict,
          "subscription_overtaken",
          "A later message ended or replaced this subscription before it began.",
          {},
          {}};
}

failure too_many() {
  return {failure_kind::exhausted,
          "too_many_subscriptions",
          "This connection has too many subscriptions.",
          {},
          {}};
}

void client_session::subscribe_execution(const json::object& data, const json::value* id) {
  rest::fields in(data, "data.");
  const auto text = in.required_text("execution_id");
  const auto since = in.whole("since", 0, 0, INT64_MAX);
  if (const auto fault = in.fault())
    return refuse("subscribe_execution", *fault, id);
  const auto run = run_id_from_text(text);
  if (!run)
    return refuse("subscribe_execution",
                  not_found("execution_not_found", "There is no such execution."), id);
  const auto channel = "execution:" + troupe::to_text(*run);
  const auto ticket = reserve(channel);
  if (ticket == 0)
    return refuse("subscribe_execution", too_many(), id);
  const std::optional<json::value> kept = id == nullptr ? std::nullopt : std::optional(*id);
  socket_question what = known_run(*home_, *run);
  what.answer = [self = shared_from_this(), run = *run, since, kept, channel,
                 ticket](const result<json::value>& known) {
    const auto* echo = kept ? &*kept : nullptr;
    if (!known) {
      self->give_back(channel, ticket);
      return self->refuse("subscribe_execution", known.error(), echo);
    }
    if (!self->begin(channel, ticket))
      return self->refuse("subscribe_execution", overtaken(), echo);
    self->answer("subscribe_execution", channel, echo);
    self->hold(channel, ticket,
               self->home_->engine.subscribe(
                   run, static_cast<sequence_number>(since),
                   std::make_shared<channel_subscriber>(self->socket_, channel)));
  };
  ask_anywhere(home_, std::move(what));
}

void client_session::subscribe_workflow(const json::object& data, const json::value* id) {
  rest::fields in(data, "data.");
  const auto workflow = in.required_text("workflow_id");
  if (const auto fault = in.fault())
    return refuse("subscribe_workflow", *fault, id);
  if (!home_->engine.workflow(workflow))
    return refuse("subscribe_workflow",
                  not_found("workflow_not_found", "There is no such workflow."), id);
  const auto channel = "workflow:" + workflow;
  const auto ticket = reserve(channel);
  if (ticket == 0)
    return refuse("subscribe_workflow", too_many(), id);
  begin(channel, ticket);
  hold(channel, ticket,
       home_->engine.subscribe_workflow(workflow,
                                        std::make_shared<channel_subscriber>(socket_, channel)));
  answer("subscribe_workflow", channel, id);
}

void client_session::unsubscribe(const json::object& data, const json::value* id) {
  rest::fields in(data, "data.");
  auto channel = in.text("channel");
  if (const auto run = in.text("execution_id"); !run.empty())
    channel = "execution:" + run;
  if (const auto workflow = in.text("workflow_id"); !workflow.empty())
    channel = "workflow:" + workflow;
  if (const auto fault = in.fault())
    return refuse("unsubscribe", *fault, id);
  std::shared_ptr<void> dropped; // ends outside of the lock
  {
    const std::lock_guard lock(mutex_);
    if (const auto found = channels_.find(channel); found != channels_.end()) {
      dropped = std::move(found->second.handle);
      channels_.erase(found);
    }
  }
  answer("unsubscribe", channel, id);
}

void client_session::on_message(std::string_view text) {
  const auto parsed = json::parse(text, {rest::body_depth_max, std::size_t{1} << 20});
  if (!parsed)
    return refuse("error", parsed.error(), nullptr);
  const auto method = json::text_or(*parsed, "method", "");
  if (method.empty())
    return refuse("error", invalid("bad_message", "A message needs a method."), nullptr);
  const auto* id = json::find(*parsed, "id");
  static const json::object none;
  const auto* data = json::find(*parsed, "data");
  if (data != nullptr && !data->is_object() && !data->is_null())
    return refuse(method, invalid("wrong_type", "Field 'data' must be an object."), id);
  const auto& given = data != nullptr && data->is_object() ? data->get_object() : none;
  if (method == "heartbeat") {
    const std::string pong = "\"pong\"";
    answer("heartbeat", {}, id, &pong);
  } else if (method == "subscribe_execution") {
    subscribe_execution(given, id);
  } else if (method == "subscribe_workflow") {
    subscribe_workflow(given, id);
  } else if (method == "unsubscribe") {
    unsubscribe(given, id);
  } else {
    refuse(method, invalid("unknown_method", "There is no such method."), id);
  }
}

} // namespace

http::websocket_events client_socket(const std::shared_ptr<core>& home,
                                     std::shared_ptr<http::websocket> socket) {
  auto session = std::make_shared<client_session>(home, std::move(socket));
  return {[session](std::string_view text) { session->on_message(text); },
          [session] { session->on_closed(); }};
}

} // namespace troupe::gate
