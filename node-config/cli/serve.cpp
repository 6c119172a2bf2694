// serve, config: a node in this process.
#include "node-config/cli/commands.hpp"
#include "node-config/log_sink.hpp"
#include "node-config/node.hpp"
#include "runtime/base/log.hpp"

#include <CLI/CLI.hpp>

#include <csignal>
#include <cstdio>
#include <cstdlib>

namespace troupe::cli {

namespace {

struct setting_flags {
  std::string file;
  std::vector<std::pair<std::string, std::string>> given;
};

/// Every row of the settings table becomes a flag.
std::shared_ptr<setting_flags> add_settings(CLI::App& command) {
  auto flags = std::make_shared<setting_flags>();
  command.add_option("--config", flags->file, "TOML file with settings")->envname("TROUPE_CONFIG");
  for (const auto& one : all_settings()) {
    const std::string name{one.name};
    const std::string help{one.help};
    if (one.flag)
      command.add_flag_callback(
          "--" + name, [flags, name] { flags->given.emplace_back(name, "true"); }, help);
    else
      command.add_option_function<std::string>(
          "--" + name,
          [flags, name](const std::string& value) { flags->given.emplace_back(name, value); },
          help);
  }
  return flags;
}

int wait_for_signal() {
  sigset_t wanted;
  sigemptyset(&wanted);
  sigaddset(&wanted, SIGINT);
  sigaddset(&wanted, SIGTERM);
  int caught = 0;
  sigwait(&wanted, &caught);
  return caught;
}

/// Threads made later inherit the mask, so that only wait_for_signal sees these signals.
void block_signals() {
  sigset_t wanted;
  sigemptyset(&wanted);
  sigaddset(&wanted, SIGINT);
  sigaddset(&wanted, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &wanted, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
}

int serve(const setting_flags& flags) {
  const auto loaded = load_settings(flags.file, flags.given);
  if (!loaded)
    return print_failure(loaded.error());
  const auto& settings = loaded->values;
  install_log_sink(settings.log_level, settings.log_file);
  block_signals();
  auto running = start_node(settings);
  if (!running) {
    log::error("node", running.error().message, {{"code", std::string_view{running.error().code}}});
    const auto code = print_failure(running.error());
    return code == exit_code::usage ? code : exit_code::failed;
  }
  log::info("node", "ready",
            {{"host", std::string_view{settings.host}},
             {"port", std::int64_t{(*running)->port()}},
             {"data_dir", std::string_view{settings.data_dir}}});
  const auto caught = wait_for_signal();
  log::info("node", "stopping", {{"signal", std::int64_t{caught}}});
  (*running)->stop();
  running->reset();
  log::info("node", "stopped");
  return exit_code::ok;
}

int print_config(const setting_flags& flags, bool as_json) {
  const auto loaded = load_settings(flags.file, flags.given);
  if (!loaded)
    return print_failure(loaded.error());
  std::fputs(describe(*loaded, as_json).c_str(), stdout);
  return exit_code::ok;
}

} // namespace

void add_serve(CLI::App& app, context& c) {
  auto* command = app.add_subcommand("serve", "Run a node until SIGINT or SIGTERM");
  const auto flags = add_settings(*command);
  command->footer("Example: troupe serve --data-dir /var/lib/troupe --port 7070\n"
                  "Every flag is also an environment variable (TROUPE_PORT …, secrets also as "
                  "TROUPE_PASSWORD_FILE) and a key of the --config file.");
  command->callback([&c, flags] { c.run = [flags] { return serve(*flags); }; });

  auto* config = app.add_subcommand("config", "Print every setting with its source");
  const auto shown = add_settings(*config);
  auto as_json = std::make_shared<bool>(false);
  config->add_flag("--json", *as_json, "print JSON");
  config->callback([&c, shown, as_json] {
    c.run = [shown, as_json] { return print_config(*shown, *as_json); };
  });
}

} // namespace troupe::cli
