// troupe: one binary, a subcommand for everything.
#include "node-config/cli/commands.hpp"

#include <CLI/CLI.hpp>

#include <cstdlib>

namespace troupe::cli {

void add_connection(CLI::App& command, context& c) {
  command.add_option("--url", c.url, "the node to talk to")
      ->envname("TROUPE_URL")
      ->default_str("http://127.0.0.1:7070");
  command.add_option("--password", c.password, "password of the node")->envname("TROUPE_PASSWORD");
}

} // namespace troupe::cli

int main(int argc, char** argv) {
  using namespace troupe::cli;
  CLI::App app{"Troupe: durable AI workflows in one process"};
  app.name("troupe");
  app.require_subcommand(1);
  app.set_version_flag("--version", std::string{"troupe "} + TROUPE_VERSION);
  app.footer("Exit codes: 0 ok, 1 it failed, 2 wrong usage, 3 no node answers, 4 refused.\n"
             "Start: troupe serve    then: troupe apply examples/   troupe run hello");
  context c;
  c.url = "http://127.0.0.1:7070";
  add_serve(app, c);
  add_workflows(app, c);
  add_executions(app, c);
  add_reviews(app, c);
  add_store(app, c);
  add_cluster(app, c);
  add_bench(app, c);
  add_demo(app, c);
  add_health(app, c);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    const auto code = app.exit(e);
    return code == 0 ? exit_code::ok : exit_code::usage;
  }
  return c.run ? c.run() : exit_code::usage;
}
