// Reads settings from a TOML file, the environment and flags.
#include "node-config/settings.hpp"

#include "runtime/base/json.hpp"

#include <toml++/toml.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

namespace troupe {

namespace {

std::string without_newline(std::string text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r'))
    text.pop_back();
  return text;
}

result<std::string> read_file(const std::string& path, const std::string& named_by) {
  std::ifstream in(path, std::ios::binary);
  if (!in)
    return invalid("setting_invalid", named_by + ": the file cannot be read.");
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

result<void> put(loaded_settings& into, std::size_t row, std::string_view value,
                 setting_source source, const std::string& spelled) {
  auto set = all_settings()[row].set(into.values, value);
  if (!set)
    return invalid("setting_invalid", spelled + " " + set.error().message + ".");
  into.sources[row] = source;
  return {};
}

std::string text_of(const toml::node& node) {
  if (const auto* s = node.as_string())
    return s->get();
  if (const auto* i = node.as_integer())
    return std::to_string(i->get());
  if (const auto* b = node.as_boolean())
    return b->get() ? "true" : "false";
  if (const auto* list = node.as_array()) {
    std::string all;
    for (const auto& one : *list)
      all += (all.empty() ? "" : ",") + text_of(one);
    return all;
  }
  return {};
}

result<std::size_t> row_of(std::string name, const std::string& file) {
  for (auto& c : name)
    c = c == '_' ? '-' : c;
  for (std::size_t i = 0; i < all_settings().size(); ++i)
    if (all_settings()[i].name == name)
      return i;
  return invalid("setting_unknown",
                 "The file " + file + " sets '" + name + "', which does not exist.",
                 "troupe config lists all settings.");
}

result<void> load_file(loaded_settings& into, const std::string& file) {
  auto text = read_file(file, "--config");
  if (!text)
    return std::move(text).error();
  try {
    const auto table = toml::parse(*text);
    for (const auto& [key, node] : table) {
      const auto row = row_of(std::string{key.str()}, file);
      if (!row)
        return row.error();
      if (auto done = put(into, *row, text_of(node), setting_source::file,
                          std::string{key.str()} + " in " + file);
          !done)
        return done;
    }
  } catch (const toml::parse_error& e) {
    std::stringstream where;
    where << e.source().begin;
    return invalid("setting_invalid", "The file " + file +
                                          " is not TOML: " + std::string{e.description()} + " at " +
                                          where.str() + ".");
  }
  return {};
}

result<void> load_environment(loaded_settings& into) {
  for (std::size_t i = 0; i < all_settings().size(); ++i) {
    const auto name = environment_name(all_settings()[i]);
    if (const char* value = std::getenv(name.c_str()))
      if (auto done = put(into, i, value, setting_source::environment, name); !done)
        return done;
    const auto file_name = name + "_FILE";
    if (const char* path = std::getenv(file_name.c_str())) {
      auto text = read_file(path, file_name);
      if (!text)
        return std::move(text).error();
      if (auto done = put(into, i, without_newline(std::move(*text)), setting_source::environment,
                          file_name);
          !done)
        return done;
    }
  }
  return {};
}

std::string shown(const setting& one, const node_settings& values) {
  auto value = one.get(values);
  return one.secret && !value.empty() ? "********" : value;
}

} // namespace

result<loaded_settings>
load_settings(const std::string& file,
              const std::vector<std::pair<std::string, std::string>>& flags) {
  loaded_settings loaded;
  loaded.sources.resize(all_settings().size(), setting_source::built_in);
  if (!file.empty())
    if (auto done = load_file(loaded, file); !done)
      return std::move(done).error();
  if (auto done = load_environment(loaded); !done)
    return std::move(done).error();
  for (const auto& [name, value] : flags) {
    const auto row = row_of(name, "the command line");
    if (!row)
      return row.error();
    if (auto done = put(loaded, *row, value, setting_source::flag, "--" + name); !done)
      return std::move(done).error();
  }
  return loaded;
}

std::string describe(const loaded_settings& loaded, bool as_json) {
  json::array list;
  std::string text;
  for (std::size_t i = 0; i < all_settings().size(); ++i) {
    const auto& one = all_settings()[i];
    const auto value = shown(one, loaded.values);
    if (as_json) {
      list.push_back(json::object{{"name", one.name},
                                  {"value", value},
                                  {"source", to_text(loaded.sources[i])},
                                  {"help", one.help},
                                  {"environment", environment_name(one)}});
      continue;
    }
    std::string line{one.name};
    line.resize(std::max<std::size_t>(line.size() + 1, 28), ' ');
    line += value.empty() ? "(empty)" : value;
    line.resize(std::max<std::size_t>(line.size() + 1, 52), ' ');
    line += to_text(loaded.sources[i]);
    line.resize(std::max<std::size_t>(line.size() + 1, 66), ' ');
    text += line + std::string{one.help} + "\n";
  }
  return as_json ? json::write_pretty(json::value(std::move(list))) + "\n" : text;
}

} // namespace troupe
