// Every subcommand, in the order of --help. A command fills `context::run` when it is chosen.
#pragma once

#include "node-config/cli/api_client.hpp"
#include "node-config/cli/terminal.hpp"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace troupe::cli {

struct context {
  std::string url, password; ///< of commands that talk to a node
  std::function<int()> run;  ///< what the chosen command does; its value is the exit code

  api_client connect() const { return api_client{url, password}; }
};

void add_serve(CLI::App& app, context& c);      ///< serve, config
void add_workflows(CLI::App& app, context& c);  ///< apply, run
void add_executions(CLI::App& app, context& c); ///< ls, show, watch, cancel, retry, signal, history
void add_reviews(CLI::App& app, context& c);    ///< review
void add_store(CLI::App& app, context& c);      ///< replay, log, views, backup, restore, migrate
void add_cluster(CLI::App& app, context& c);    ///< cluster
void add_bench(CLI::App& app, context& c);      ///< bench
void add_demo(CLI::App& app, context& c);       ///< demo
void add_health(CLI::App& app, context& c);     ///< doctor, health, completion

/// --url and --password, with their environment variables.
void add_connection(CLI::App& command, context& c);

/// Follows a run until it ends, drawing its steps. Returns the exit code its status means.
int follow_run(api_client& node, const std::string& id, bool quiet);

} // namespace troupe::cli
