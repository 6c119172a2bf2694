// troupe_load: the load generator and the yardsticks of the benchmarks.
#include "tests/bench/load.hpp"
#include "tests/bench/probe.hpp"

#include <cstdio>
#include <cstdlib>
#include <functional>
#include <map>
#include <string_view>

namespace {

using troupe::bench::load_options;

constexpr const char* usage =
    "usage: troupe_load run [--host H] [--port P] [--method M] [--path P] [--body TEXT with {n}]\n"
    "                       [--key TEXT with {n}] [--token T] [--connections N] [--seconds S]\n"
    "                       [--count N] [--warmup S] [--first N] [--record FILE]\n"
    "                       [--mode execute-wait --workflow ID]\n"
    "       troupe_load probe FOLDER [COUNT]\n"
    "       troupe_load hello PORT BYTES\n";

int fail() {
  std::fputs(usage, stderr);
  return 2;
}

int run(int count, char** arguments) {
  load_options options;
  std::string mode, workflow;
  const auto text = [](std::string& into) { return [&into](const char* value) { into = value; }; };
  const auto number = [](auto& into) {
    return [&into](const char* value) {
      using type = std::remove_reference_t<decltype(into)>;
      into = static_cast<type>(std::strtod(value, nullptr));
    };
  };
  const std::map<std::string_view, std::function<void(const char*)>> flags{
      {"--host", text(options.host)},         {"--port", number(options.port)},
      {"--method", text(options.method)},     {"--path", text(options.path)},
      {"--body", text(options.body)},         {"--key", text(options.key)},
      {"--token", text(options.token)},       {"--connections", number(options.connections)},
      {"--seconds", number(options.seconds)}, {"--count", number(options.count)},
      {"--warmup", number(options.warmup)},   {"--first", number(options.first)},
      {"--record", text(options.record)},     {"--mode", text(mode)},
      {"--workflow", text(workflow)}};
  for (int at = 2; at < count; at += 2) {
    const auto flag = flags.find(arguments[at]);
    if (flag == flags.end() || at + 1 >= count)
      return fail();
    flag->second(arguments[at + 1]);
  }
  if (mode == "execute-wait") {
    options.path = "/api/v1/workflows/" + workflow + "/execute?wait=60";
    if (options.body.empty())
      options.body = R"({"input_data": {"n": {n}}})";
  } else if (!mode.empty()) {
    return fail();
  }
  if (options.connections == 0)
    return fail();
  const auto report = troupe::bench::run_load(options);
  std::puts(troupe::bench::describe(report).c_str());
  return report.latencies_ms.empty() ? 1 : 0;
}

int probe(const char* folder, const char* count) {
  const auto text =
      troupe::bench::probe_disk(folder, static_cast<unsigned>(std::strtoul(count, nullptr, 10)));
  if (text.empty()) {
    std::fprintf(stderr, "cannot write in %s\n", folder);
    return 1;
  }
  std::puts(text.c_str());
  return 0;
}

} // namespace

int main(int count, char** arguments) {
  const std::string_view command = count > 1 ? arguments[1] : "";
  if (command == "run")
    return run(count, arguments);
  if (command == "probe" && count >= 3)
    return probe(arguments[2], count > 3 ? arguments[3] : "500");
  if (command == "hello" && count == 4)
    return troupe::bench::serve_hello(
        static_cast<std::uint16_t>(std::strtoul(arguments[2], nullptr, 10)),
        std::strtoul(arguments[3], nullptr, 10));
  return fail();
}
