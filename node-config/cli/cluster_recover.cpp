// cluster recover: a stopped survivor goes on alone.
#include "node-config/cluster_recover.hpp"
#include "node-config/cli/cluster_commands.hpp"

#include <CLI/CLI.hpp>

#include <unistd.h>

#include <cstdio>
#include <iostream>

namespace troupe::cli {

namespace {

struct recover_options {
  std::string data_dir = "troupe-data";
  bool yes = false;
};

void print_survivor(const survivor& found) {
  std::printf("cluster %s, this is node %llu\n\nwhat it holds:\n\n", found.files.cluster_id.c_str(),
              static_cast<unsigned long long>(found.files.node));
  std::vector<std::vector<std::string>> rows;
  std::uint64_t runs = 0, empty = 0;
  for (const auto& one : found.parts) {
    rows.push_back({one.partition == 0 ? "control" : std::to_string(one.partition),
                    std::to_string(one.last), std::to_string(one.last_term),
                    std::to_string(one.applied), std::to_string(one.unfinished_runs)});
    runs += one.unfinished_runs;
    empty += one.last == 0 ? 1 : 0;
  }
  print_table({"PARTITION", "LAST INDEX", "TERM", "APPLIED", "UNFINISHED RUNS"}, rows);
  std::printf("\n%llu unfinished runs will go on. What lies between APPLIED and LAST INDEX becomes "
              "valid.\nWrites that the lost nodes acknowledged and that are not here are LOST: "
              "compare LAST INDEX\nand TERM with every other node that can still be read, and "
              "recover the one that has most.\n",
              static_cast<unsigned long long>(runs));
  if (empty > 0)
    std::printf("%s this node never got %llu of the partitions: all that was in them is lost.\n",
                paint(colour::red, "warning:").c_str(), static_cast<unsigned long long>(empty));
  std::puts(
      "The other nodes are refused from then on, should they come back: their logs may say\n"
      "something else. They join anew, with empty data directories. Never start two of them.");
}

/// By hand at a terminal, by --yes elsewhere.
bool confirmed(const recover_options& options, const std::string& cluster_id) {
  if (options.yes)
    return true;
  if (isatty(STDIN_FILENO) == 0)
    return false;
  std::printf("\nTo go on alone, type the id of the cluster: ");
  std::fflush(stdout);
  std::string typed;
  std::getline(std::cin, typed);
  return typed == cluster_id;
}

int recover(const recover_options& options) {
  const auto found = look_at_survivor(options.data_dir);
  if (!found)
    return local_failure(found.error());
  print_survivor(*found);
  if (!confirmed(options, found->files.cluster_id))
    return print_failure({failure_kind::conflict,
                          "confirmation_needed",
                          "Nothing was changed.",
                          "Only when most of the nodes are lost for good: run it again with --yes.",
                          {}});
  const auto after = recover_alone(options.data_dir);
  if (!after)
    return local_failure(after.error());
  std::printf("\n%s node %llu is alone in cluster %s (recovery %u)\n"
              "start it:    troupe serve --data-dir %s\n"
              "then others: troupe cluster invite; they join with empty data directories\n",
              paint(colour::green, "ok:").c_str(), static_cast<unsigned long long>(after->node),
              after->cluster_id.c_str(), unsigned{after->recovery}, options.data_dir.c_str());
  return exit_code::ok;
}

} // namespace

void add_cluster_recover(CLI::App& cluster, context& c) {
  auto* command =
      cluster.add_subcommand("recover", "Go on alone when most nodes are lost for good");
  const auto options = std::make_shared<recover_options>();
  command
      ->add_option("--data-dir", options->data_dir, "data directory of a stopped node that is left")
      ->envname("TROUPE_DATA_DIR")
      ->capture_default_str();
  command->add_flag("--yes", options->yes, "do not ask");
  command->footer(
      "Example: troupe cluster recover --data-dir /var/lib/troupe\n"
      "It first says what the node holds and what may be lost; without a yes it changes "
      "nothing.");
  command->callback([&c, options] { c.run = [options] { return recover(*options); }; });
}

} // namespace troupe::cli
