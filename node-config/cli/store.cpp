// log, inspect, export, backup, restore, compact, migrate, views: a data directory without a node.
#include "node-config/cli/commands.hpp"
#include "node-config/cli/offline.hpp"
#include "persistence/rocks/migrations.hpp"
#include "runtime/engine/decide.hpp"
#include "runtime/engine/report.hpp"

#include <CLI/CLI.hpp>

#include <cstdio>
#include <filesystem>

namespace troupe::cli {

namespace {

/// The options that offline commands share.
struct offline_options {
  std::string data_dir = "troupe-data", run, from, to;
  bool json = false;
};

result<std::optional<run_id>> wanted_run(const std::string& text) {
  if (text.empty())
    return std::optional<run_id>{};
  const auto id = run_id_from_text(text);
  if (!id)
    return failure{
        failure_kind::invalid, "usage", "'" + text + "' is not the id of an execution.", {}, {}};
  return std::optional<run_id>{*id};
}

/// Opens the store and does something with it; failures are printed.
int with_store(const offline_options& options,
               const std::function<result<void>(rocks_store&, std::optional<run_id>)>& work) {
  const auto run = wanted_run(options.run);
  if (!run)
    return print_failure(run.error());
  auto store = open_existing(options.data_dir);
  if (!store)
    return print_failure(store.error()), exit_code::failed;
  const auto done = work(**store, *run);
  return done ? exit_code::ok : (print_failure(done.error()), exit_code::failed);
}

result<void> export_log(rocks_store& store, const std::optional<run_id>& only) {
  return each_turn(store, store.partitions(), only, [](const stored_turn& turn) -> result<void> {
    const auto id = to_text(turn.run);
    each_line(turn.row, &digest_of, [&](std::string_view line, const chain_hash&) {
      std::printf("{\"execution_id\":\"%s\",\"event\":%.*s}\n", id.c_str(),
                  static_cast<int>(line.size()), line.data());
    });
    return {};
  });
}

result<void> inspect(rocks_store& store, const run_id& run) {
  std::vector<event> history;
  const auto read =
      each_turn(store, store.partitions(), run, [&](const stored_turn& turn) -> result<void> {
        auto events = decode_events(turn.row.text);
        if (!events)
          return events.error();
        std::move(events->begin(), events->end(), std::back_inserter(history));
        return {};
      });
  if (!read)
    return read;
  if (history.empty())
    return failure{failure_kind::not_found, "not_found", "There is no such execution.", {}, {}};
  const auto p = plan_of(store, run, std::get<events::execution_started>(history.front().what));
  if (!p)
    return p.error();
  run_state state;
  state.id = run;
  for (const auto& e : history)
    evolve(**p, state, e);
  stored_blobs blobs{store, partition_of(run)};
  const auto text = json::parse(execution_json(**p, state, blobs),
                                {.depth_max = 256, .bytes_max = std::size_t{1} << 30});
  std::puts(text ? json::write_pretty(*text).c_str() : "null");
  return {};
}

CLI::App* add_offline(CLI::App& parent, context& c, const char* name, const char* help,
                      const std::shared_ptr<offline_options>& options,
                      std::function<result<void>(rocks_store&, std::optional<run_id>)> work) {
  auto* command = parent.add_subcommand(name, help);
  command->add_option("--data-dir", options->data_dir, "data directory of a stopped node")
      ->envname("TROUPE_DATA_DIR");
  command->callback([&c, options, work = std::move(work)] {
    c.run = [options, work] { return with_store(*options, work); };
  });
  return command;
}

void add_log(CLI::App& app, context& c, const std::shared_ptr<offline_options>& options) {
  auto* log = app.add_subcommand("log", "Verify or export the event log");
  log->require_subcommand(1);
  add_offline(*log, c, "verify", "Check every hash of every run", options,
              [](rocks_store& store, std::optional<run_id> run) { return verify_log(store, run); })
      ->add_option("execution", options->run, "only this execution");
  const auto exporting = [](rocks_store& store, std::optional<run_id> run) {
    return export_log(store, run);
  };
  add_offline(*log, c, "export", "Print events, one JSON object a line", options, exporting)
      ->add_option("execution", options->run, "only this execution");
  add_offline(app, c, "export", "Same as log export", options, exporting)
      ->add_option("execution", options->run, "only this execution");
}

result<void> compact_all(rocks_store& store) {
  for (std::size_t i = 0; i < table_count; ++i)
    if (auto done = store.compact(static_cast<table>(i), {}, {}); !done)
      return done;
  const auto usage = store.usage();
  if (usage)
    std::printf("ok: %llu bytes on disk\n", static_cast<unsigned long long>(usage->tables_bytes));
  return {};
}

int restore(const offline_options& options) {
  const auto done = restore_backup(options.from, options.data_dir);
  if (!done)
    return print_failure(done.error()), exit_code::failed;
  std::printf("restored %s into %s\n", options.from.c_str(), options.data_dir.c_str());
  return exit_code::ok;
}

int backup_online(api_client node, const std::string& to) {
  json::object body;
  if (!to.empty())
    body["directory"] = to;
  const auto made = node.send("POST", "/api/v1/system/snapshot", json::write(json::value(body)));
  if (!made)
    return print_failure(made.error());
  std::puts(field(*made, "path").c_str());
  return exit_code::ok;
}

void add_backup(CLI::App& app, context& c, const std::shared_ptr<offline_options>& options) {
  auto* backup =
      app.add_subcommand("backup", "Copy the store of a running node, or of a stopped one");
  backup->add_option("--to", options->to, "directory of the backup; must not exist");
  auto* dir = backup->add_option("--data-dir", options->data_dir, "copy this stopped node's store");
  add_connection(*backup, c);
  backup->footer("Example: troupe backup --to nightly\n         troupe backup --data-dir "
                 "troupe-data --to /backup/monday");
  backup->callback([&c, options, dir] {
    const bool offline = dir->count() > 0;
    c.run = [&c, options, offline] {
      return offline
                 ? with_store(*options, [options](rocks_store& store,
                                                  auto) { return store.backup_to(options->to); })
                 : backup_online(c.connect(), options->to);
    };
  });
  auto* back = app.add_subcommand("restore", "Make a data directory from a backup");
  back->add_option("--from", options->from, "directory of the backup")->required();
  back->add_option("--data-dir", options->data_dir, "new data directory; must be empty")
      ->required();
  back->callback([&c, options] { c.run = [options] { return restore(*options); }; });
}

void add_migrate(CLI::App& app, context& c, const std::shared_ptr<offline_options>& options) {
  auto* migrate = app.add_subcommand("migrate", "Move the layout of a data directory up or down");
  migrate->require_subcommand(1);
  const auto to = [&](const char* name, const char* help, bool up) {
    add_offline(*migrate, c, name, help, options, [up](rocks_store& store, auto) -> result<void> {
      const auto now = rocks::schema_of(store);
      if (!now)
        return now.error();
      const auto target = up ? rocks::newest_schema() : *now - (*now > 1 ? 1u : 0u);
      if (auto done = rocks::migrate(store, target, store.partitions()); !done)
        return done;
      std::printf("ok: layout %u\n", target);
      return {};
    });
  };
  to("up", "To the newest layout of this build", true);
  to("down", "One layout back", false);
}

} // namespace

void add_replay(CLI::App& app, context& c); // replay.cpp
void add_views(CLI::App& app, context& c);  // views.cpp

void add_store(CLI::App& app, context& c) {
  auto options = std::make_shared<offline_options>();
  add_replay(app, c);
  add_log(app, c, options);
  add_offline(app, c, "inspect", "Print an execution from a stopped node's store", options,
              [](rocks_store& store, std::optional<run_id> run) { return inspect(store, *run); })
      ->add_option("execution", options->run, "id of the execution")
      ->required();
  add_offline(app, c, "compact", "Give back the space of deleted rows", options,
              [](rocks_store& store, auto) { return compact_all(store); });
  add_backup(app, c, options);
  add_migrate(app, c, options);
  add_views(app, c);
}

} // namespace troupe::cli
