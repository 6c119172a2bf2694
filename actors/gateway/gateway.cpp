#include "actors/gateway/gateway.hpp"

#include "actors/gateway/admission.hpp"
#include "actors/gateway/life.hpp"
#include "actors/gateway/overload.hpp"
#include "actors/gateway/relayed_call.hpp"
#include "actors/gateway/shared_counts.hpp"
#include "actors/gateway/socket.hpp"
#include "net/provider/yaml.hpp"
#include "net/rest/headers.hpp"
#include "net/rest/problem.hpp"

namespace troupe {

namespace gate {

namespace {

using outcome = rest::route_match::outcome;

/// A request id for answers that are given before there is a call.
std::string request_id_for(core& home, const http::request& r) {
  auto given = rest::request_id_of(r);
  return given ? std::move(*given) : home.new_request_id();
}

http::response early_problem(core& home, const http::request& r, const failure& why) {
  auto id = request_id_for(home, r);
  auto out = rest::to_problem(why, id);
  out.headers.emplace_back("X-Request-ID", std::move(id));
  const auto match = home.routes.find(r.verb, r.path);
  home.counters.count(rest::to_text(r.verb),
                      match.what == outcome::found ? home.routes.at(match.index).pattern : "none",
                      out.status, std::chrono::nanoseconds{0});
  return out;
}

failure no_route(const rest::route_match& match) {
  if (match.what == outcome::unknown)
    return not_found("route_not_found", "There is nothing at this path.");
  return {failure_kind::not_allowed,
          "method_not_allowed",
          "This path does not take this method.",
          "Allowed: " + match.allow + ".",
          {}};
}

std::size_t body_bytes_max(const core& home, rest::body_kind kind) {
  return kind == rest::body_kind::definition ? home.settings.definition_bytes_max
                                             : rest::body_bytes_max(kind);
}

} // namespace

std::optional<http::response> on_head(core& home, const http::request& r, std::size_t& body_limit) {
  const auto match = home.routes.find(r.verb, r.path);
  if (r.verb == http::method::options && match.what != outcome::unknown)
    return rest::options_answer(home.settings.cors_origins, r, match.allow);
  const bool found = match.what == outcome::found;
  const bool needs_key =
      found ? home.routes.at(match.index).who == rest::access::key : r.path.starts_with("/api/");
  if (needs_key) {
    std::uint64_t wait_seconds = 0;
    if (const auto why = authenticate(home, r, wait_seconds)) {
      auto out = early_problem(home, r, *why);
      if (wait_seconds > 0)
        out.headers.emplace_back("Retry-After", std::to_string(wait_seconds));
      return out;
    }
  }
  if (!found) {
    auto out = early_problem(home, r, no_route(match));
    if (match.what == outcome::wrong_method)
      out.headers.emplace_back("Allow", match.allow + ", OPTIONS");
    return out;
  }
  if (const auto why = over_capacity(home, match.index)) {
    auto out = early_problem(home, r, *why);
    out.headers.emplace_back("Retry-After", "1");
    return out;
  }
  body_limit = body_bytes_max(home, home.routes.at(match.index).body);
  return std::nullopt;
}

namespace {

result<json::object> decode(const core& home, const http::request& r, rest::body_kind kind) {
  const auto bytes_max = body_bytes_max(home, kind);
  if (kind != rest::body_kind::definition || rest::media_of(r) != rest::media::yaml)
    return rest::decode_json(r, kind, bytes_max);
  provider::yaml_limits limits;
  limits.bytes_max = bytes_max;
  auto made = provider::yaml_to_json(r.body, limits);
  if (!made)
    return std::move(made).error();
  if (!made->is_object())
    return invalid("wrong_type", "The body is not a YAML mapping.");
  return std::move(made->get_object());
}

/// What the client's other answers told it, or the views must show for a list.
std::vector<position> wanted_first(const call& c) {
  auto& told = c.home->other_nodes->told;
  if (const auto given = rest::positions_of(c.request); given && !given->empty()) {
    std::vector<position> control;
    for (const auto& [partition, index] : *given)
      if (partition == 0)
        control.push_back({partition_id{0}, index});
    return control;
  }
  const auto& row = c.row();
  const bool list = row.answer.starts_with('[') || row.answer == "stats";
  return list ? told.missing() : std::vector<position>{};
}

} // namespace

void dispatch(const call_ptr& c) {
  auto body = decode(*c->home, c->request, c->row().body);
  if (!body)
    return c->refuse(body.error());
  c->body = std::move(*body);
  hold_parsed(*c);
  if (c->home->other_nodes)
    c->patience = patience_of(c->body, c->request.parameter("wait"));
  c->home->handlers[c->match.index](c);
}

void on_request(const std::shared_ptr<core>& home, http::request r,
                std::shared_ptr<http::responder> to, std::function<void(const failure&)> bounce) {
  auto match = home->routes.find(r.verb, r.path);
  if (match.what != outcome::found)
    return to->send(early_problem(*home, r, no_route(match)));
  auto c = std::make_shared<call>();
  c->home = home;
  c->begun = std::chrono::steady_clock::now();
  c->to = std::move(to);
  c->bounce = std::move(bounce);
  c->request_id = request_id_for(*home, r);
  if (auto trace = rest::trace_of(r.header("traceparent"))) {
    c->trace_id = std::move(trace->trace_id);
    c->trace_flags = std::move(trace->flags);
    c->parent_span = span_from_text(trace->parent_id);
  } else {
    c->trace_id = home->new_hex(32);
  }
  c->request = std::move(r);
  c->match = std::move(match);
  if (home->handlers[c->match.index] == nullptr)
    return c->refuse({failure_kind::invalid,
                      "upgrade_required",
                      "This path speaks WebSocket only.",
                      "Send an upgrade request.",
                      {}});
  if (!home->other_nodes)
    return dispatch(c);
  home->other_nodes->when_shown(wanted_first(*c), [c] { dispatch(c); });
}

namespace {

class plain_gateway final : public gateway {
public:
  plain_gateway(engine_port& engine, gateway_settings settings)
      : home_(std::make_shared<core>(engine, std::move(settings))) {
    const auto& how = home_->settings;
    if (how.link == nullptr)
      return;
    home_->other_nodes =
        std::make_shared<relay>(*how.link, engine, relay::options{how.leader_wait, how.budget});
    how.link->serve(link_topic::http,
                    [home = home_](std::uint64_t, std::string bytes, node_link::answer back) {
                      serve_relayed(home, std::move(bytes), std::move(back));
                    });
    how.link->serve(link_topic::counted, [home = home_](std::uint64_t, const std::string& bytes,
                                                        const node_link::answer& back) {
      (void)count_for_others(*home, bytes);
      back(std::string());
    });
  }
  ~plain_gateway() override {
    if (!home_->other_nodes)
      return;
    home_->settings.link->serve(link_topic::http, {});
    home_->settings.link->serve(link_topic::counted, {});
    home_->other_nodes->stop();
  }

  http::handlers handlers() override {
    http::handlers out;
    out.head = [home = home_](const http::request& r,
                              std::size_t& body_limit) -> std::optional<http::response> {
      if (r.path.starts_with("/api/")) // of clients; what other nodes pass on is served
        if (const auto why = not_served(*home))
          return early_problem(*home, r, *why);
      return on_head(*home, r, body_limit);
    };
    out.serve = [home = home_](http::request r, std::shared_ptr<http::responder> to) {
      on_request(home, std::move(r), std::move(to));
    };
    out.upgrade = [home = home_](const http::request& r, std::shared_ptr<http::websocket> socket) {
      return on_upgrade(home, r, std::move(socket));
    };
    out.decorate = [home = home_](const http::request& r, http::response& answer) {
      rest::add_cors(home->settings.cors_origins, r, answer);
      rest::add_security(r.path, answer);
      if (!rest::has_header(answer, "X-Request-ID"))
        answer.headers.emplace_back("X-Request-ID", request_id_for(*home, r));
    };
    out.problem = [home = home_](const http::request& r, const failure& why) {
      auto answer = early_problem(*home, r, why);
      if (answer.status == 503 || answer.status == 429)
        rest::set_default(answer, "Retry-After", "1");
      return answer;
    };
    out.urgent = [home = home_](const http::request& r) { return ends_work(*home, r); };
    return out;
  }

  std::string metrics() const override { return home_->metrics_text(); }

private:
  std::shared_ptr<core> home_;
};

} // namespace

} // namespace gate

std::unique_ptr<gateway> make_gateway(engine_port& engine, gateway_settings settings) {
  return std::make_unique<gate::plain_gateway>(engine, std::move(settings));
}

} // namespace troupe
