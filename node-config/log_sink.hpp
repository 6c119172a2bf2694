// Where log lines go: JSON lines on standard output, or a rotated file.
#pragma once

#include <string>

namespace troupe {

/// Installs the sink and the level. `file` empty: standard output. Rotation: 10 MB, 3 files.
void install_log_sink(const std::string& level, const std::string& file);

/// "debug", "info", "warning", "error"; false for another word.
bool set_log_level(const std::string& level);

} // namespace troupe
