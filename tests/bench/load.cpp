#include "tests/bench/load.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <string_view>
#include <utility>

namespace troupe::bench {

namespace {

using steady = std::chrono::steady_clock;

struct connection {
  int socket = -1;
  std::string out, in;
  std::size_t sent = 0;
  steady::time_point asked;
};

struct answer_head {
  int status = 0;
  std::size_t head_bytes = 0, body_bytes = 0;
  bool closes = false;
};

double cpu_seconds() {
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  return seconds(used.ru_utime) + seconds(used.ru_stime);
}

std::string with_number(std::string text, const std::string& number) {
  for (auto at = text.find("{n}"); at != std::string::npos; at = text.find("{n}", at))
    text.replace(at, 3, number);
  return text;
}

/// Value of a header in a head whose names may have any case; empty when it is not there.
std::string_view header_value(std::string_view head, std::string_view lower_name) {
  for (auto at = head.find("\r\n"); at != std::string_view::npos; at = head.find("\r\n", at)) {
    at += 2;
    const auto line = head.substr(at, head.find("\r\n", at) - at);
    if (line.size() <= lower_name.size() || line[lower_name.size()] != ':')
      continue;
    const bool same = std::equal(lower_name.begin(), lower_name.end(), line.begin(),
                                 [](char a, char b) { return a == (b | 0x20); });
    if (!same)
      continue;
    auto value = line.substr(lower_name.size() + 1);
    value.remove_prefix(std::min(value.find_first_not_of(' '), value.size()));
    return value;
  }
  return {};
}

/// The head when it is whole; status 0: not yet. Only Content-Length framing is understood.
answer_head read_head(std::string_view in) {
  answer_head head;
  const auto end = in.find("\r\n\r\n");
  if (end == std::string_view::npos || in.size() < 12)
    return head;
  const auto text = in.substr(0, end + 2);
  std::from_chars(in.data() + 9, in.data() + 12, head.status);
  head.head_bytes = end + 4;
  const auto length = header_value(text, "content-length");
  std::from_chars(length.data(), length.data() + length.size(), head.body_bytes);
  head.closes = header_value(text, "connection") == "close";
  return head;
}

class generator {
public:
  explicit generator(const load_options& options)
      : options_(options), next_number_(options.first), connections_(options.connections) {
    epoll_ = epoll_create1(0);
    if (!options.record.empty())
      record_ = open(options.record.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644);
    head_ = options.method + " " + options.path + " HTTP/1.1\r\nHost: " + options.host +
            "\r\nContent-Type: application/json\r\n";
    if (!options.token.empty())
      head_ += "Authorization: Bearer " + options.token + "\r\n";
  }
  generator(const generator&) = delete;
  generator& operator=(const generator&) = delete;
  ~generator() {
    for (auto& one : connections_)
      if (one.socket >= 0)
        close(one.socket);
    if (record_ >= 0)
      close(record_);
    close(epoll_);
  }

  load_report run() {
    for (auto& one : connections_)
      reopen(one);
    auto begun = steady::now();
    last_answer_ = begun;
    measuring_ = options_.warmup <= 0;
    measured_from_ = begun;
    double cpu_before = cpu_seconds();
    while (!done()) {
      if (!measuring_ && seconds_since(begun) >= options_.warmup) {
        report_ = {};
        measuring_ = true;
        measured_from_ = steady::now();
        cpu_before = cpu_seconds();
      }
      turn();
    }
    report_.seconds = seconds_since(measured_from_);
    report_.cpu_seconds = cpu_seconds() - cpu_before;
    return std::move(report_);
  }

private:
  static double seconds_since(steady::time_point from) {
    return std::chrono::duration<double>(steady::now() - from).count();
  }

  bool done() const {
    if (seconds_since(last_answer_) > 5)
      return true;
    if (options_.count > 0)
      return measuring_ && report_.answers >= options_.count;
    return measuring_ && seconds_since(measured_from_) >= options_.seconds;
  }

  void turn() {
    std::array<epoll_event, 256> ready{};
    const int count = epoll_wait(epoll_, ready.data(), static_cast<int>(ready.size()), 50);
    for (int n = 0; n < count; ++n) {
      auto& one = connections_[ready[static_cast<std::size_t>(n)].data.u64];
      const auto events = ready[static_cast<std::size_t>(n)].events;
      bool alive = (events & EPOLLERR) == 0;
      if (alive && (events & EPOLLOUT) != 0)
        alive = flush(one);
      if (alive && (events & (EPOLLIN | EPOLLHUP)) != 0)
        alive = take(one);
      if (!alive)
        lost(one);
    }
    if (std::exchange(lost_any_, false))
      usleep(2000);
  }

  void reopen(connection& one) {
    one.socket = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    const int yes = 1;
    setsockopt(one.socket, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(options_.port);
    inet_pton(AF_INET, options_.host.c_str(), &to.sin_addr);
    connect(one.socket, reinterpret_cast<const sockaddr*>(&to), sizeof to);
    epoll_event event{};
    event.events = EPOLLIN | EPOLLOUT | EPOLLET;
    event.data.u64 = static_cast<std::uint64_t>(&one - connections_.data());
    epoll_ctl(epoll_, EPOLL_CTL_ADD, one.socket, &event);
    ask(one);
  }

  void lost(connection& one) {
    lost_any_ = true;
    ++report_.errors;
    ++report_.reconnects;
    close(one.socket);
    one.in.clear();
    reopen(one);
  }

  void ask(connection& one) {
    const auto number = std::to_string(next_number_++);
    const auto body = with_number(options_.body, number);
    one.out = head_;
    if (!options_.key.empty())
      one.out += "Idempotency-Key: " + with_number(options_.key, number) + "\r\n";
    one.out += "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
    one.sent = 0;
    one.asked = steady::now();
  }

  bool flush(connection& one) {
    while (one.sent < one.out.size()) {
      const auto n =
          send(one.socket, one.out.data() + one.sent, one.out.size() - one.sent, MSG_NOSIGNAL);
      if (n < 0)
        return errno == EAGAIN || errno == EINPROGRESS || errno == ENOTCONN;
      one.sent += static_cast<std::size_t>(n);
    }
    return true;
  }

  bool take(connection& one) {
    std::array<char, 65536> buffer;
    for (;;) {
      const auto n = recv(one.socket, buffer.data(), buffer.size(), 0);
      if (n < 0 && errno == EAGAIN)
        return true;
      if (n <= 0)
        return false;
      one.in.append(buffer.data(), static_cast<std::size_t>(n));
      const auto head = read_head(one.in);
      if (head.status == 0 || one.in.size() < head.head_bytes + head.body_bytes)
        continue;
      answered(one, head);
      if (head.closes)
        return false;
      ask(one);
      if (!flush(one))
        return false;
    }
  }

  void answered(connection& one, const answer_head& head) {
    const auto now = steady::now();
    last_answer_ = now;
    ++report_.answers;
    ++report_.by_status[head.status];
    report_.bytes += head.head_bytes + head.body_bytes;
    if (head.status / 100 == 2) {
      report_.latencies_ms.push_back(
          std::chrono::duration<float, std::milli>(now - one.asked).count());
      if (record_ >= 0)
        acknowledge(std::string_view{one.in}.substr(head.head_bytes, head.body_bytes));
    } else {
      ++report_.errors;
      lost_any_ = lost_any_ || head.status == 429 || head.status == 503;
    }
    one.in.erase(0, head.head_bytes + head.body_bytes);
  }

  void acknowledge(std::string_view body) {
    constexpr std::string_view name = "\"execution_id\"";
    const auto at = body.find(name);
    const auto open = body.find('"', at == std::string_view::npos ? at : at + name.size());
    if (open == std::string_view::npos)
      return;
    const auto line =
        std::string{body.substr(open + 1, body.find('"', open + 1) - open - 1)} + "\n";
    if (write(record_, line.data(), line.size()) < 0 || fdatasync(record_) != 0)
      ++report_.errors;
  }

  const load_options& options_;
  std::uint64_t next_number_;
  std::vector<connection> connections_;
  std::string head_;
  int epoll_ = -1, record_ = -1;
  bool measuring_ = false, lost_any_ = false;
  steady::time_point measured_from_, last_answer_;
  load_report report_;
};

} // namespace

load_report run_load(const load_options& options) {
  return generator{options}.run();
}

std::string describe(const load_report& report) {
  auto sorted = report.latencies_ms;
  std::sort(sorted.begin(), sorted.end());
  const auto percentile = [&](double part) {
    if (sorted.empty())
      return std::string{"null"};
    const auto at = static_cast<std::size_t>(part * static_cast<double>(sorted.size() - 1));
    return std::to_string(sorted[at]);
  };
  std::string statuses;
  for (const auto& [status, count] : report.by_status)
    statuses += (statuses.empty() ? "\"" : ", \"") + std::to_string(status) +
                "\": " + std::to_string(count);
  const double rate = report.seconds > 0 ? static_cast<double>(sorted.size()) / report.seconds : 0;
  return "{\"count\": " + std::to_string(report.answers) +
         ", \"ok\": " + std::to_string(sorted.size()) +
         ", \"errors\": " + std::to_string(report.errors) + ", \"by_status\": {" + statuses +
         "}, \"seconds\": " + std::to_string(report.seconds) +
         ", \"per_s\": " + std::to_string(rate) + ", \"p50_ms\": " + percentile(0.5) +
         ", \"p90_ms\": " + percentile(0.9) + ", \"p99_ms\": " + percentile(0.99) +
         ", \"max_ms\": " + percentile(1.0) + ", \"bytes\": " + std::to_string(report.bytes) +
         ", \"cpu_seconds\": " + std::to_string(report.cpu_seconds) + "}";
}

} // namespace troupe::bench
