#include "node-config/cli/demo_cluster.hpp"

#include "node-config/cli/api_client.hpp"
#include "node-config/cli/terminal.hpp"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <thread>

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

namespace troupe::cli {

namespace {

failure demo_failure(std::string code, std::string message) {
  return {failure_kind::internal, std::move(code), std::move(message), {}, {}};
}

/// Ports that nobody has now; all different, for they are held until the last one is found.
result<std::vector<std::uint16_t>> free_ports(std::size_t count) {
  std::vector<int> held;
  std::vector<std::uint16_t> out;
  for (std::size_t i = 0; i < count; ++i) {
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof at;
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
      break;
    held.push_back(fd);
    auto* address = reinterpret_cast<sockaddr*>(&at);
    if (bind(fd, address, size) == 0 && getsockname(fd, address, &size) == 0)
      out.push_back(ntohs(at.sin_port));
  }
  for (const int fd : held)
    close(fd);
  if (out.size() < count)
    return demo_failure("demo_ports", "There are no free ports on this machine.");
  return out;
}

/// Settings of whoever runs the demonstration are not those of its nodes.
std::vector<std::string> plain_environment() {
  std::vector<std::string> out;
  for (char** each = environ; *each != nullptr; ++each)
    if (std::strncmp(*each, "TROUPE_", 7) != 0)
      out.emplace_back(*each);
  return out;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> out;
  for (auto& each : texts)
    out.push_back(each.data());
  out.push_back(nullptr);
  return out;
}

/// This binary with other words. It ends with this process, however that ends.
pid_t spawn(std::vector<std::string> words, const std::string& output) {
  words.insert(words.begin(), "troupe");
  auto environment = plain_environment();
  const auto arguments = pointers(words);
  const auto variables = pointers(environment);
  const int to = open(output.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  const pid_t parent = getpid();
  const pid_t pid = to < 0 ? -1 : fork();
  if (pid == 0) {
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent || setpgid(0, 0) != 0 ||
        dup2(to, STDOUT_FILENO) < 0 || dup2(to, STDERR_FILENO) < 0)
      _exit(127);
    execve("/proc/self/exe", arguments.data(), variables.data());
    _exit(127);
  }
  if (to >= 0)
    close(to);
  return pid;
}

std::string last_line(const std::string& file) {
  std::ifstream in(file);
  std::string line, last;
  while (std::getline(in, line))
    if (!line.empty())
      last = line;
  return last;
}

} // namespace

demo_cluster::~demo_cluster() {
  for (std::size_t i = 0; i < nodes_.size(); ++i)
    kill(i);
  std::error_code ignored;
  if (!directory_.empty())
    std::filesystem::remove_all(directory_, ignored);
}

result<void> demo_cluster::start() {
  auto path = (std::filesystem::temp_directory_path() / "troupe-demo-XXXXXX").string();
  if (mkdtemp(path.data()) == nullptr)
    return demo_failure("demo_directory", "No directory could be made at " + path + ".");
  directory_ = path;
  const auto ports = free_ports(2 * size);
  if (!ports)
    return ports.error();
  for (std::size_t i = 0; i < size; ++i)
    nodes_.push_back({"http://127.0.0.1:" + std::to_string((*ports)[2 * i]),
                      directory_ + "/" + std::to_string(i + 1), (*ports)[2 * i],
                      (*ports)[2 * i + 1], 0});
  for (auto& node : nodes_) {
    const bool first = &node == &nodes_.front();
    std::vector<std::string> words{"cluster", first ? "init" : "join"};
    if (!first) {
      auto token = invitation();
      if (!token)
        return token.error();
      words.insert(words.end(), {nodes_.front().url, "--token", *token});
    }
    words.insert(words.end(), {"--data-dir", node.folder, "--cluster-host", "127.0.0.1",
                               "--cluster-port", std::to_string(node.cluster_port)});
    if (auto done = run(words); !done)
      return done;
    if (auto done = serve(node); !done)
      return done;
  }
  return wait_for("each node leads its share of the partitions", std::chrono::seconds(60),
                  [this] { return whole(); });
}

result<void> demo_cluster::run(const std::vector<std::string>& words) const {
  const auto output = directory_ + "/commands.log";
  const auto pid = spawn(words, output);
  int status = 0;
  if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
    return demo_failure("demo_command",
                        "troupe " + words[0] + " " + words[1] + " failed: " + last_line(output));
  return {};
}

result<void> demo_cluster::serve(child& node) {
  const auto output = node.folder + ".log";
  node.pid =
      spawn({"serve", "--data-dir", node.folder, "--host", "127.0.0.1", "--port",
             std::to_string(node.port), "--http-allow", target_, "--cluster-rebalance-ms", "200"},
            output);
  if (node.pid < 0) {
    node.pid = 0;
    return demo_failure("demo_process", "A node could not be started.");
  }
  api_client client(node.url, {});
  auto ready = wait_for("the node is ready", std::chrono::seconds(30),
                        [&] { return client.get("/health/ready").has_value(); });
  if (!ready)
    return demo_failure(ready.error().code,
                        ready.error().message + " Its last words: " + last_line(output));
  return ready;
}

result<std::string> demo_cluster::invitation() const {
  api_client client(nodes_.front().url, {});
  const auto made = client.send("POST", "/api/v1/system/cluster/invitations", "{}");
  if (!made)
    return made.error();
  return field(*made, "token");
}

result<void> demo_cluster::wait_for(const std::string& what, std::chrono::seconds most,
                                    const std::function<bool()>& until) const {
  const auto end = std::chrono::steady_clock::now() + most;
  while (!until()) {
    if (stop_())
      return demo_failure("demo_stopped", "It was stopped.");
    if (std::chrono::steady_clock::now() > end)
      return demo_failure("demo_slow", "It took too long until " + what + ".");
    std::this_thread::sleep_for(std::chrono::milliseconds(30));
  }
  return {};
}

bool demo_cluster::whole() const {
  const auto shares = leads();
  return shares && std::all_of(shares->begin(), shares->end(), [](auto n) { return n > 0; });
}

result<std::vector<std::size_t>> demo_cluster::leads() const {
  api_client client(nodes_.front().url, {});
  const auto status = client.get("/api/v1/system/nodes");
  if (!status)
    return status.error();
  std::vector<std::size_t> out(nodes_.size(), 0);
  const auto* partitions = json::find(*status, "partitions");
  for (const auto& each :
       partitions && partitions->is_array() ? partitions->get_array() : json::array{}) {
    const auto* voters = json::find(each, "voters");
    const auto leader = std::strtoull(field(each, "leader").c_str(), nullptr, 10);
    if (!voters || !voters->is_array() || voters->get_array().size() < size || leader == 0 ||
        leader > out.size())
      return demo_failure("demo_not_whole", "A partition is not at all nodes yet.");
    if (field(each, "partition") != "0")
      ++out[leader - 1];
  }
  return out;
}

void demo_cluster::kill(std::size_t node) {
  auto& pid = nodes_[node].pid;
  if (pid <= 0)
    return;
  ::kill(pid, SIGKILL);
  waitpid(pid, nullptr, 0);
  pid = 0;
}

} // namespace troupe::cli
