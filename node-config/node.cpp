#include "node-config/node.hpp"

#include "actors/engine/engine.hpp"
#include "actors/gateway/gateway.hpp"
#include "net/http/server.hpp"
#include "net/provider/span_exporter.hpp"
#include "node-config/cluster_files.hpp"
#include "node-config/cluster_node.hpp"
#include "node-config/health_port.hpp"
#include "node-config/process_metrics.hpp"
#include "node-config/zones.hpp"
#include "persistence/rocks/loading_file.hpp"
#include "persistence/rocks/rocks_store.hpp"
#include "persistence/views/sqlite_views.hpp"
#include "runtime/base/log.hpp"

#include <sys/stat.h>

#include <atomic>
#include <filesystem>
#include <thread>

namespace troupe {

namespace {

/// The log lets the views catch up so long before it takes the next batch.
constexpr milliseconds views_wait_max{250};

std::vector<std::string> words_of(const std::string& list) {
  std::vector<std::string> words;
  std::string word;
  for (const char c : list + ",")
    if (c != ',') {
      word += c == ' ' ? std::string{} : std::string{c};
    } else if (!word.empty()) {
      words.push_back(std::move(word));
      word.clear();
    }
  return words;
}

bool loopback(const std::string& host) {
  return host == "localhost" || host == "::1" || host == "[::1]" || host.starts_with("127.");
}

/// Open to everybody is for this machine only.
result<void> bind_allowed(const node_settings& settings) {
  if (loopback(settings.host) || !settings.password.empty())
    return {};
  return invalid("setting_invalid",
                 "--host " + settings.host + " is not a loopback address and no password is set.",
                 "Set --password (or TROUPE_PASSWORD_FILE), or listen on 127.0.0.1.");
}

http::server_options server_options_of(const node_settings& settings) {
  http::server_options options;
  options.host = settings.host;
  options.port = settings.port;
  options.tls = {settings.tls_certificate, settings.tls_key};
  auto& limits = options.limits;
  limits.header_timeout = milliseconds{static_cast<std::int64_t>(settings.header_timeout_ms)};
  limits.body_timeout = milliseconds{static_cast<std::int64_t>(settings.body_timeout_ms)};
  limits.idle_timeout = milliseconds{static_cast<std::int64_t>(settings.idle_timeout_ms)};
  limits.write_timeout = milliseconds{static_cast<std::int64_t>(settings.write_timeout_ms)};
  limits.connections_max = limits.connections_per_address_max = settings.connections_max;
  return options;
}

gateway_settings gateway_settings_of(const node_settings& settings) {
  gateway_settings out;
  out.password = settings.password;
  out.cors_origins = words_of(settings.cors_origins);
  out.definition_bytes_max = settings.definition_bytes_max;
  out.starts_per_minute = static_cast<std::uint32_t>(settings.starts_per_minute_max);
  out.snapshot_directory = std::filesystem::absolute(settings.data_dir + "-backups").string();
  return out;
}

/// Everything a node owns, in the order in which it is made; taken down the other way round.
class local_node final : public node {
public:
  explicit local_node(const node_settings& settings)
      : settings_(settings), budget_(settings.memory_bytes_max) {
    settings_.engine.limits.zone_known = zone_known;
  }
  ~local_node() override { stop(); }

  result<void> start() {
    if (auto allowed = bind_allowed(settings_); !allowed)
      return allowed;
    if (auto opened = open_storage(); !opened)
      return opened;
    auto cluster = open_cluster_node(settings_, *store_, budget_);
    if (!cluster)
      return cluster.error();
    cluster_ = std::move(*cluster);
    if (auto started = start_engine(); !started)
      return started;
    if (cluster_)
      cluster_->attach(*engine_);
    if (auto listening = listen(); !listening)
      return listening;
    if (cluster_)
      cluster_->start(http_url());
    return {};
  }

  std::uint16_t port() const noexcept override { return server_ ? server_->port() : 0; }

  void stop() override {
    const milliseconds grace{static_cast<std::int64_t>(settings_.shutdown_grace_ms)};
    if (cluster_)
      cluster_->stop();
    if (engine_)
      engine_->stop(grace);
    counted_ = nullptr;
    if (server_)
      server_->stop(std::min(grace, milliseconds{1'000}));
    server_.reset();
    health_server_.reset();
    gateway_.reset();
    end_backup();
    engine_.reset();
    spans_.reset(); // sends what is left, at most a second
    client_.reset();
    cluster_.reset();
    store_.reset();
    views_.reset();
  }

private:
  /// Where clients reach this node, as other nodes tell them.
  std::string http_url() const {
    const auto host =
        settings_.host.find(':') == std::string::npos ? settings_.host : "[" + settings_.host + "]";
    return (settings_.tls_certificate.empty() ? "http://" : "https://") + host + ":" +
           std::to_string(port());
  }

  result<void> open_storage() {
    rocks_options options;
    options.data_dir = settings_.data_dir;
    options.partitions = settings_.engine.partitions;
    if (settings_.test_release != 0)
      options.feature_level_known = settings_.test_release;
    if (const auto asked = partitions_of_cluster(settings_.data_dir); asked != 0)
      options.partitions = asked; // used where the directory is new
    options.budget = &budget_;
    options.before_flush = [this] {
      if (auto* views = paced_.load())
        views->keep_pace(views_wait_max);
    };
    options.disk_reserve_bytes = settings_.disk_reserve_bytes;
    auto store = open_rocks_store(options);
    if (!store)
      return store.error();
    store_ = std::move(*store);
    settings_.engine.partitions = store_->partitions();
    const auto& found = store_->recovered();
    if (found.torn_bytes_cut > 0)
      log::warning("store", "the end of the log was torn by a crash and cut: nothing acknowledged",
                   {{"bytes", static_cast<std::int64_t>(found.torn_bytes_cut)}});
    if (auto marks = open_loading_file(settings_.data_dir, TROUPE_VERSION))
      loading_ = std::move(*marks);
    else
      log::warning("store", "what kills the process while it is loaded will not be noticed",
                   {{"why", std::string_view(marks.error().message)}});
    views_options how;
    how.budget = &budget_;
    auto views = open_views(settings_.data_dir + "/views.sqlite", how);
    if (!views)
      return views.error();
    views_ = std::move(*views);
    paced_ = views_.get();
    return {};
  }

  /// A client of its own: workflows must not reach the collector because the operator may.
  void start_tracing() {
    const auto to = otlp::collector_of(settings_.otlp_endpoint);
    if (settings_.otlp_endpoint.empty() || !to)
      return;
    http::client_options options;
    options.allow = {to->target};
    options.connections_max = options.connections_per_host_max = 1;
    otlp::exporter_options how;
    how.url = to->url;
    how.version = TROUPE_VERSION;
    spans_ = std::make_unique<otlp::span_exporter>(http::start_client(std::move(options)), how);
  }

  result<void> start_engine() {
    start_tracing();
    http::client_options options;
    options.allow = words_of(settings_.http_allow);
    options.connections_per_host_max = settings_.engine.attempts_per_host_max;
    options.budget = &budget_;
    client_ = http::start_client(std::move(options));
    const auto backup = [this](std::string directory, reply<json::value> answer) {
      start_backup(std::move(directory), std::move(answer));
    };
    const engine_clock& clock =
        settings_.engine.test_clock ? static_cast<const engine_clock&>(test_clock_) : clock_;
    replicated_log& log = cluster_ ? cluster_->log() : *store_;
    engine_ = make_engine({*store_, log, *views_, *client_, clock,
                           settings_.engine.test_clock ? &test_clock_ : nullptr, settings_.engine,
                           &budget_, spans_.get(), backup, loading_.get(),
                           cluster_ ? &cluster_->link() : nullptr, [this](const std::string& name) {
                             if (cluster_)
                               cluster_->control_changed(name);
                           }});
    return engine_->start();
  }

  result<void> listen() {
    auto how = gateway_settings_of(settings_);
    how.more_metrics = [this] {
      const auto* server = counted_.load();
      const auto disk = store_->usage();
      return process_metrics() + budget_metrics(budget_) +
             (disk ? store_metrics(*disk, file_bytes(settings_.data_dir + "/views.sqlite"))
                   : std::string{}) +
             (spans_ ? span_metrics(spans_->current()) : std::string{}) +
             (server ? server_metrics(server->counters()) : std::string{});
    };
    how.budget = &budget_;
    how.spans = spans_.get();
    how.link = cluster_ ? &cluster_->link() : nullptr;
    how.cluster = cluster_.get();
    how.serves_clients = !cluster_ || cluster_->serves_clients();
    gateway_ = make_gateway(*engine_, std::move(how));
    auto options = server_options_of(settings_);
    options.budget = &budget_;
    auto server = http::start_server(std::move(options), gateway_->handlers());
    if (!server)
      return server.error();
    server_ = std::move(*server);
    counted_ = server_.get();
    return settings_.health_port == 0 ? result<void>{} : listen_for_health();
  }

  result<void> listen_for_health() {
    auto options = server_options_of(settings_);
    options.port = settings_.health_port;
    auto server = http::start_server(std::move(options), health_only(gateway_->handlers()));
    if (!server)
      return server.error();
    health_server_ = std::move(*server);
    return {};
  }

  /// One backup at a time, on a thread of its own: copying blocks.
  void start_backup(std::string directory, reply<json::value> answer) {
    if (backing_up_.exchange(true))
      return answer(
          failure{failure_kind::conflict, "backup_running", "A backup is being made.", {}, {}});
    end_backup();
    backup_ = std::thread([this, directory = std::move(directory), answer = std::move(answer)] {
      const auto made = store_->backup_to(directory);
      backing_up_ = false;
      if (made)
        answer(json::value(json::object{{"path", directory}}));
      else
        answer(made.error());
    });
  }

  void end_backup() {
    if (backup_.joinable())
      backup_.join();
  }

  node_settings settings_;
  byte_budget budget_; ///< outlives everything below, which counts in it
  machine_clock clock_;
  movable_clock test_clock_;
  std::unique_ptr<sqlite_views> views_;
  std::atomic<sqlite_views*> paced_{nullptr}; ///< for the log's thread, which is older
  std::unique_ptr<rocks_store> store_;
  std::unique_ptr<cluster_node> cluster_;  ///< empty: this node is alone
  std::unique_ptr<loading_marks> loading_; ///< may be empty
  std::unique_ptr<http::client> client_;
  std::unique_ptr<otlp::span_exporter> spans_; ///< empty: nothing is traced
  std::unique_ptr<engine> engine_;
  std::unique_ptr<gateway> gateway_;
  std::unique_ptr<http::server> server_, health_server_; ///< the latter may be empty
  std::atomic<const http::server*> counted_{nullptr};    ///< for requests, once it listens
  std::atomic<bool> backing_up_{false};
  std::thread backup_;
};

} // namespace

result<std::unique_ptr<node>> start_node(const node_settings& settings) {
  auto made = std::make_unique<local_node>(settings);
  if (auto started = made->start(); !started)
    return std::move(started).error();
  return std::unique_ptr<node>(std::move(made));
}

} // namespace troupe
