// cluster: begin one, let nodes in, join.
#include "node-config/cli/cluster_commands.hpp"
#include "node-config/membership.hpp"
#include "persistence/rocks/data_dir.hpp"

#include <CLI/CLI.hpp>

#include <cstdio>

namespace troupe::cli {

int local_failure(const failure& why) {
  const int code = print_failure(why);
  return code == exit_code::unreachable ? int{exit_code::failed} : code;
}

namespace {

struct cluster_options {
  std::string data_dir = "troupe-data";
  std::string cluster_host = "127.0.0.1";
  std::uint16_t cluster_port = cluster_port_default;
  std::string address, token; ///< of join
  std::string host;           ///< of join; empty: not told to the others
  std::uint16_t port = 7070;
  std::string roles; ///< of join; empty: all
};
using options_ptr = std::shared_ptr<cluster_options>;

instant wall_clock() {
  return std::chrono::floor<milliseconds>(std::chrono::system_clock::now());
}

bool only_this_machine(std::string_view host) {
  return host == "localhost" || host == "::1" || host.starts_with("127.");
}

std::string host_and_port(const std::string& host, std::uint16_t port) {
  const bool bare_v6 = host.find(':') != std::string::npos && host.front() != '[';
  return (bare_v6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

int wrong_usage(const failure& why) {
  print_failure(why);
  return exit_code::usage;
}

void advise_on_address(const cluster_options& options) {
  if (only_this_machine(options.cluster_host))
    std::printf("note: %s is reached from this machine only; for nodes on others name this one's\n"
                "      address with --cluster-host\n",
                options.cluster_host.c_str());
}

failure in_a_cluster_already(const std::string& data_dir) {
  return {failure_kind::conflict,
          "cluster_exists",
          "The data directory " + data_dir + " belongs to a cluster already.",
          "Name another one with --data-dir, or look at this one's with `troupe cluster status`.",
          {}};
}

/// The lock, so that no node runs on the directory meanwhile.
result<rocks::data_dir> take_outside_cluster(const std::string& data_dir) {
  auto taken = rocks::data_dir::take(data_dir);
  if (!taken)
    return taken;
  const auto there = cluster_files_exist(data_dir);
  if (!there)
    return there.error();
  if (*there)
    return in_a_cluster_already(data_dir);
  return taken;
}

int init(const cluster_options& options) {
  if (auto fits = check_peer_address(options.cluster_host, options.cluster_port); !fits)
    return wrong_usage(fits.error());
  const auto taken = take_outside_cluster(options.data_dir);
  if (!taken)
    return local_failure(taken.error());
  const auto files = found_cluster(options.cluster_host, options.cluster_port, wall_clock());
  if (!files)
    return local_failure(files.error());
  if (auto saved = save_cluster_files(options.data_dir, *files); !saved)
    return local_failure(saved.error());
  std::printf("%s cluster %s, this is node 1 at %s\n", paint(colour::green, "ok:").c_str(),
              files->cluster_id.c_str(), host_and_port(files->host, files->port).c_str());
  if (!taken->fresh())
    std::puts("what the data directory held is kept");
  advise_on_address(options);
  std::printf("start it:    troupe serve --data-dir %s\n"
              "then others: troupe cluster invite\n",
              options.data_dir.c_str());
  return exit_code::ok;
}

/// A node outside a cluster does not have the routes at all.
failure explained(failure why, const std::string& url) {
  if (why.kind == failure_kind::not_found) {
    why.message = "The node at " + url + " belongs to no cluster.";
    why.hint = "Stop it, run `troupe cluster init` on its data directory and start it again.";
  }
  return why;
}

int invite(api_client node, bool as_json) {
  const auto made = node.send("POST", "/api/v1/system/cluster/invitations", "{}");
  if (!made)
    return print_failure(explained(made.error(), node.url()));
  if (as_json) {
    std::puts(json::write_pretty(*made).c_str());
    return exit_code::ok;
  }
  const auto token = field(*made, "token");
  std::printf("token    %s\nexpires  %s\n\nOn the new node, once:\n\n"
              "  troupe cluster join %s \\\n    --token %s \\\n"
              "    --data-dir troupe-data --cluster-host ADDRESS-OF-THE-NEW-NODE\n\n"
              "Whoever has the token can join in its time: do not post it.\n",
              token.c_str(), field(*made, "expires_at").c_str(), node.url().c_str(), token.c_str());
  return exit_code::ok;
}

/// A directory in which nothing was ever acknowledged; what an earlier try left behind is fine.
result<rocks::data_dir> take_empty(const std::string& data_dir) {
  auto taken = take_outside_cluster(data_dir);
  if (taken && !taken->fresh())
    return failure{failure_kind::conflict,
                   "data_dir_not_empty",
                   "The data directory " + data_dir + " holds data of another node.",
                   "A node joins with an empty data directory; name one with --data-dir.",
                   {}};
  return taken;
}

std::string url_of_address(const std::string& address) {
  return address.find("://") == std::string::npos ? "http://" + address : address;
}

void warn_of_plain_http(const std::string& url) {
  const auto host = url.substr(std::string_view{"http://"}.size());
  if (url.starts_with("http://") && !only_this_machine(host))
    std::fputs("note: the token goes over plain HTTP; whoever reads along could use it first\n",
               stderr);
}

result<join_answer> ask_to_join(const cluster_options& options, const cluster::join_token& token,
                                const std::string& request) {
  const auto url = url_of_address(options.address);
  warn_of_plain_http(url);
  join_request asked{token.secret, request, options.cluster_host, options.cluster_port, {}};
  asked.roles = options.roles;
  if (!options.host.empty())
    asked.http_url = "http://" + host_and_port(options.host, options.port);
  api_client node{url, {}};
  const auto answered =
      node.send("POST", "/api/v1/system/cluster/join", json::write(to_json(asked)));
  if (!answered)
    return explained(answered.error(), url);
  return join_answer_from(*answered);
}

int join(const cluster_options& options) {
  const auto token = cluster::join_token_from(options.token);
  if (!token)
    return wrong_usage(token.error());
  if (auto fits = check_peer_address(options.cluster_host, options.cluster_port); !fits)
    return wrong_usage(fits.error());
  if (auto fits = roles_from(options.roles); !fits)
    return wrong_usage(fits.error());
  const auto taken = take_empty(options.data_dir);
  if (!taken)
    return local_failure(taken.error());
  const auto own = cluster::make_request({}, 0);
  if (!own)
    return local_failure(own.error());
  const auto answer = ask_to_join(options, *token, own->request);
  if (!answer)
    return print_failure(answer.error());
  const auto files = accept_answer(
      {*token, own->key, options.cluster_host, options.cluster_port, options.roles}, *answer);
  if (!files)
    return local_failure(files.error());
  if (auto saved = save_cluster_files(options.data_dir, *files); !saved)
    return local_failure(saved.error());
  std::printf("%s joined cluster %s as node %llu\n", paint(colour::green, "ok:").c_str(),
              files->cluster_id.c_str(), static_cast<unsigned long long>(files->node));
  advise_on_address(options);
  std::printf("start it: troupe serve --data-dir %s", options.data_dir.c_str());
  if (!options.host.empty())
    std::printf(" --host %s --port %u", options.host.c_str(), unsigned{options.port});
  std::puts("");
  return exit_code::ok;
}

void add_data_dir(CLI::App& command, cluster_options& options, const char* help) {
  command.add_option("--data-dir", options.data_dir, help)
      ->envname("TROUPE_DATA_DIR")
      ->capture_default_str();
}

void add_cluster_address(CLI::App& command, cluster_options& options) {
  command
      .add_option("--cluster-host", options.cluster_host,
                  "this node listens here for the others, and is reached here by them")
      ->capture_default_str();
  command.add_option("--cluster-port", options.cluster_port, "and on this port")
      ->check(CLI::Range(1, 65'535))
      ->capture_default_str();
}

void add_init(CLI::App& cluster, context& c, const options_ptr& options) {
  auto* command =
      cluster.add_subcommand("init", "Begin a cluster with a stopped node as its first");
  add_data_dir(*command, *options, "data directory; what it holds is kept");
  add_cluster_address(*command, *options);
  command->footer(
      "Example: troupe cluster init --data-dir /var/lib/troupe --cluster-host 10.0.0.1\n"
      "A node that has run alone grows into a cluster this way. Certificates are valid "
      "for ten years;\nthe authority's key stays on this node: keep a copy of the "
      "folder cluster/ in a safe place.");
  command->callback([&c, options] { c.run = [options] { return init(*options); }; });
}

void add_invite(CLI::App& cluster, context& c) {
  auto* command = cluster.add_subcommand("invite", "Print a token that lets one node in");
  auto as_json = std::make_shared<bool>(false);
  command->add_flag("--json", *as_json, "print JSON");
  add_connection(*command, c);
  command->footer("Example: troupe cluster invite --url http://10.0.0.1:7070\n"
                  "The token works once and for an hour.");
  command->callback(
      [&c, as_json] { c.run = [&c, as_json] { return invite(c.connect(), *as_json); }; });
}

void add_join(CLI::App& cluster, context& c, const options_ptr& options) {
  auto* command = cluster.add_subcommand("join", "Make a new node of a cluster");
  command->add_option("address", options->address, "URL of a node of the cluster")->required();
  command->add_option("--token", options->token, "what `troupe cluster invite` printed")
      ->envname("TROUPE_JOIN_TOKEN")
      ->required();
  add_data_dir(*command, *options, "data directory; empty, or not there yet");
  add_cluster_address(*command, *options);
  command->add_option("--roles", options->roles, "engine, gateway or engine,gateway (as without)");
  command->add_option("--host", options->host, "where clients will reach this node");
  command->add_option("--port", options->port, "and on which port")
      ->check(CLI::Range(1, 65'535))
      ->capture_default_str();
  command->footer("Example: troupe cluster join http://10.0.0.1:7070 --token troupe1.… \\\n"
                  "           --data-dir /var/lib/troupe --cluster-host 10.0.0.2 --host 10.0.0.2\n"
                  "The token stands for the password here. With TROUPE_JOIN_TOKEN it is not seen "
                  "in the list of processes.");
  command->callback([&c, options] { c.run = [options] { return join(*options); }; });
}

} // namespace

void add_cluster(CLI::App& app, context& c) {
  auto* cluster = app.add_subcommand("cluster", "Several nodes as one: begin, join, look, change");
  cluster->require_subcommand(1);
  const auto options = std::make_shared<cluster_options>();
  add_init(*cluster, c, options);
  add_invite(*cluster, c);
  add_join(*cluster, c, options);
  add_cluster_status(*cluster, c);
  add_cluster_changes(*cluster, c);
  add_cluster_recover(*cluster, c);
}

} // namespace troupe::cli
