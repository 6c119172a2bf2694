// cluster: what is asked of a running cluster about its nodes: status, drain, remove, finalize.
#include "node-config/cli/cluster_commands.hpp"

#include <CLI/CLI.hpp>

#include <chrono>
#include <cstdio>
#include <thread>

namespace troupe::cli {

namespace {

constexpr const char* nodes_path = "/api/v1/system/nodes";
constexpr auto look_every = std::chrono::milliseconds(200);

std::string or_dash(std::string text) {
  return text.empty() ? "-" : text;
}

std::string state_of(const json::value& node) {
  std::string out;
  for (const auto* word : {"draining", "leaving"})
    if (field(node, word) == "true")
      out += (out.empty() ? "" : ", ") + std::string(word);
  if (const auto why = field(node, "refused"); field(node, "connected") == "false" && !why.empty())
    out += (out.empty() ? "" : ", ") + why;
  return or_dash(std::move(out));
}

std::vector<std::string> status_row(const json::value& node) {
  const auto number = field(node, "node");
  const auto connected = field(node, "connected");
  const bool self = field(node, "self") == "true";
  return {number.empty() ? field(node, "id") : number,
          or_dash(field(node, "address")),
          self                  ? "this node"
          : connected == "true" ? "yes"
          : connected.empty()   ? "-"
                                : "no",
          or_dash(field(node, "roles")),
          or_dash(field(node, "leads")),
          or_dash(field(node, "lag")),
          or_dash(field(node, "version")),
          or_dash(field(node, "feature_level")),
          state_of(node)};
}

json::array items_of(const json::value& page) {
  const auto* items = json::find(page, "items");
  return items && items->is_array() ? items->get_array() : json::array{};
}

int status(api_client node, bool as_json) {
  const auto page = node.get(nodes_path);
  if (!page)
    return print_failure(page.error());
  if (as_json) {
    std::puts(json::write_pretty(*page).c_str());
    return exit_code::ok;
  }
  std::vector<std::vector<std::string>> rows;
  for (const auto& one : items_of(*page))
    rows.push_back(status_row(one));
  print_table(
      {"NODE", "ADDRESS", "CONNECTED", "ROLES", "LEADS", "LAG", "VERSION", "LEVEL", "STATE"}, rows);
  if (const auto level = field(*page, "feature_level"); !level.empty())
    std::printf("feature level %s%s\n", level.c_str(),
                field(*page, "recovery") == "0"
                    ? ""
                    : (", recovered " + field(*page, "recovery") + " times").c_str());
  return exit_code::ok;
}

std::optional<json::value> node_in(const json::value& page, std::uint64_t number) {
  for (const auto& one : items_of(page))
    if (field(one, "node") == std::to_string(number))
      return one;
  return std::nullopt;
}

/// Partitions that nobody else is known to lead: a leadership that is on its way is not away yet.
std::size_t not_led_by_others(const json::value& page, std::uint64_t node) {
  const auto* partitions = json::find(page, "partitions");
  std::size_t count = 0;
  for (const auto& one :
       partitions && partitions->is_array() ? partitions->get_array() : json::array{}) {
    const auto leader = field(one, "leader");
    count += leader == "0" || leader == std::to_string(node) ? 1 : 0;
  }
  return count;
}

struct waiting {
  std::uint64_t node = 0;
  double timeout_seconds = 60;
};
using waiting_ptr = std::shared_ptr<waiting>;

/// Looks until `done` says so of the list of nodes. A node that is
/// asked may restart meanwhile.
int wait_for(api_client& at, const waiting& how, const char* last_words,
             const std::function<bool(const json::value& page, std::string& progress)>& done) {
  const auto until =
      std::chrono::steady_clock::now() + std::chrono::duration<double>(how.timeout_seconds);
  std::string said;
  for (;;) {
    const auto page = at.get(nodes_path);
    std::string progress;
    if (page && done(*page, progress))
      return exit_code::ok;
    if (!page)
      progress = page.error().message;
    if (progress != said && !progress.empty())
      std::printf("%s\n", progress.c_str()), std::fflush(stdout);
    said = progress;
    if (std::chrono::steady_clock::now() >= until) {
      std::fprintf(stderr, "%s not yet after %.0f s; it goes on: %s\n",
                   paint(colour::red, "waiting:").c_str(), how.timeout_seconds, last_words);
      return exit_code::failed;
    }
    std::this_thread::sleep_for(look_every);
  }
}

std::string path_of(std::uint64_t node) {
  return std::string(nodes_path) + "/" + std::to_string(node);
}

int drain(api_client at, const waiting& how, bool off) {
  const auto asked = at.send("POST", path_of(how.node) + "/drain",
                             off ? R"({"draining":false})" : R"({"draining":true})");
  if (!asked)
    return print_failure(asked.error());
  if (off) {
    std::printf("%s node %llu may lead again; it gets its share in a few seconds\n",
                paint(colour::green, "ok:").c_str(), static_cast<unsigned long long>(how.node));
    return exit_code::ok;
  }
  const auto code = wait_for(at, how, "see `troupe cluster status`",
                             [&](const json::value& page, std::string& progress) {
                               const auto left = not_led_by_others(page, how.node);
                               progress = std::to_string(left) + " partitions have no other leader";
                               return left == 0;
                             });
  if (code == exit_code::ok)
    std::printf("%s node %llu leads nothing; it still serves, and may be stopped\n"
                "afterwards: troupe cluster drain %llu --off\n",
                paint(colour::green, "ok:").c_str(), static_cast<unsigned long long>(how.node),
                static_cast<unsigned long long>(how.node));
  return code;
}

int remove(api_client at, const waiting& how) {
  const auto asked = at.send("DELETE", path_of(how.node), {});
  if (!asked)
    return print_failure(asked.error());
  const auto code = wait_for(at, how, "see `troupe cluster status`",
                             [&](const json::value& page, std::string& progress) {
                               progress = "it leaves the partitions, one change at a time";
                               return !node_in(page, how.node);
                             });
  if (code == exit_code::ok)
    std::printf("%s node %llu is out of the cluster; its number is never used again\n",
                paint(colour::green, "ok:").c_str(), static_cast<unsigned long long>(how.node));
  return code;
}

int finalize(api_client at) {
  const auto done = at.send("POST", "/api/v1/system/cluster/finalize", "{}");
  if (!done)
    return print_failure(done.error());
  const auto level = field(*done, "feature_level"), before = field(*done, "before");
  if (level == before)
    std::printf("%s the cluster is at feature level %s already\n",
                paint(colour::green, "ok:").c_str(), level.c_str());
  else
    std::printf("%s feature level %s (was %s): older releases cannot come back\n",
                paint(colour::green, "ok:").c_str(), level.c_str(), before.c_str());
  return exit_code::ok;
}

waiting_ptr add_waiting(CLI::App& command) {
  auto out = std::make_shared<waiting>();
  command.add_option("node", out->node, "number of the node")->required();
  command.add_option("--timeout", out->timeout_seconds, "seconds to wait for it")
      ->capture_default_str();
  return out;
}

} // namespace

void add_cluster_status(CLI::App& cluster, context& c) {
  auto* command = cluster.add_subcommand("status", "Print the nodes of the cluster");
  auto as_json = std::make_shared<bool>(false);
  command->add_flag("--json", *as_json, "print JSON");
  add_connection(*command, c);
  command->footer(
      "Example: troupe cluster status --url http://10.0.0.1:7070\n"
      "LEADS: partitions that the node leads. LAG: entries that it is behind. LEVEL: the "
      "feature level\nthat its build knows.");
  command->callback(
      [&c, as_json] { c.run = [&c, as_json] { return status(c.connect(), *as_json); }; });
}

void add_cluster_changes(CLI::App& cluster, context& c) {
  auto* draining = cluster.add_subcommand("drain", "Move every leadership away from a node");
  const auto drained = add_waiting(*draining);
  auto off = std::make_shared<bool>(false);
  draining->add_flag("--off", *off, "let it lead again");
  add_connection(*draining, c);
  draining->footer(
      "Example: troupe cluster drain 2 --url http://10.0.0.1:7070\n"
      "It ends when the node leads nothing. The node goes on serving: it passes on what "
      "others lead.");
  draining->callback([&c, drained, off] {
    c.run = [&c, drained, off] { return drain(c.connect(), *drained, *off); };
  });

  auto* removing = cluster.add_subcommand("remove", "Take a node out of the cluster for good");
  const auto removed = add_waiting(*removing);
  add_connection(*removing, c);
  removing->footer("Example: troupe cluster remove 2 --url http://10.0.0.1:7070\n"
                   "A node that is lost is removed like this as well; another takes its place with "
                   "`troupe cluster join`.");
  removing->callback(
      [&c, removed] { c.run = [&c, removed] { return remove(c.connect(), *removed); }; });

  auto* final_step =
      cluster.add_subcommand("finalize", "End an upgrade: use what all nodes' releases know");
  add_connection(*final_step, c);
  final_step->footer("Example: troupe cluster finalize --url http://10.0.0.1:7070\n"
                     "Afterwards a node of an older release is refused.");
  final_step->callback([&c] { c.run = [&c] { return finalize(c.connect()); }; });
}

} // namespace troupe::cli
