#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <sys/types.h>
#include <vector>

/// The vm of this build, driven from outside as a shell would.
namespace sojourn::tests {

struct VmResult {
    int exit_code = 0;  ///< 128 + the signal that ended it
    std::string out;
    std::string err;
};

struct VmOptions {
    std::vector<std::string> environment;  ///< K=V, besides this program's own
    std::filesystem::path folder;          ///< where stdout and stderr are kept; must be there
    int standard_input = -1;               ///< a descriptor; nothing to read unless given
    std::string program = {};              ///< another vm than that of this build
};

/// A vm that runs. Killed at the end of its life if it still does.
class VmProcess {
public:
    VmProcess(const std::vector<std::string>& arguments, const VmOptions& options);
    VmProcess(const VmProcess&) = delete;
    VmProcess& operator=(const VmProcess&) = delete;
    ~VmProcess();

    [[nodiscard]] pid_t pid() const { return pid_; }
    void send(int signal) const;
    /// Waits for its end.
    const VmResult& wait();
    [[nodiscard]] bool has_ended();
    /// What it has printed so far.
    [[nodiscard]] std::string out() const;

private:
    void finish(int status);

    std::filesystem::path out_path_;
    std::filesystem::path err_path_;
    pid_t pid_ = 0;
    std::optional<VmResult> result_;
};

VmResult vm(const std::vector<std::string>& arguments, const VmOptions& options);

/// The guest program of that name beside the tests; nullopt, after saying that a test is skipped
/// and why, when it could not be built.
std::optional<std::string> guest(const std::string& name);

std::string read_text(const std::filesystem::path& path);
std::string last_line(const std::string& text);

}  // namespace sojourn::tests
