#include "tests/support/vm_command.hpp"

#include <atomic>
#include <csignal>
#include <fcntl.h>
#include <fstream>
#include <iostream>
#include <spawn.h>
#include <sstream>
#include <stdexcept>
#include <sys/wait.h>
#include <unistd.h>

namespace sojourn::tests {

namespace {

std::vector<char*> pointers_to(std::vector<std::string>& texts) {
    std::vector<char*> pointers;
    for (std::string& text : texts)
        pointers.push_back(text.data());
    pointers.push_back(nullptr);
    return pointers;
}

/// Nothing that is run here leaves anything in the home of who runs it.
std::vector<std::string> environment_of(const VmOptions& options) {
    std::vector<std::string> all = options.environment;
    all.push_back("XDG_STATE_HOME=" + (options.folder / "state").native());
    for (char** variable = environ; *variable != nullptr; ++variable)
        all.emplace_back(*variable);
    return all;
}

pid_t spawn(std::vector<std::string> arguments, std::vector<std::string> environment,
            const std::string& out, const std::string& err, const VmOptions& options) {
    posix_spawn_file_actions_t files;
    ::posix_spawn_file_actions_init(&files);
    constexpr int kFlags = O_WRONLY | O_CREAT | O_TRUNC;
    if (options.standard_input < 0) {
        ::posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    } else {
        ::posix_spawn_file_actions_adddup2(&files, options.standard_input, STDIN_FILENO);
    }
    ::posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, out.c_str(), kFlags, 0600);
    ::posix_spawn_file_actions_addopen(&files, STDERR_FILENO, err.c_str(), kFlags, 0600);
    const auto argv = pointers_to(arguments);
    const auto envp = pointers_to(environment);
    const std::string program = options.program.empty() ? SOJOURN_VM : options.program;
    pid_t pid = 0;
    const int error =
        ::posix_spawn(&pid, program.c_str(), &files, nullptr, argv.data(), envp.data());
    ::posix_spawn_file_actions_destroy(&files);
    if (error != 0) throw std::runtime_error("cannot start " + program);
    return pid;
}

}  // namespace

VmProcess::VmProcess(const std::vector<std::string>& arguments, const VmOptions& options) {
    static std::atomic<int> started = 0;
    const std::string number = std::to_string(++started);
    out_path_ = options.folder / ("vm-" + number + ".out");
    err_path_ = options.folder / ("vm-" + number + ".err");
    std::vector<std::string> command = {"vm"};
    command.insert(command.end(), arguments.begin(), arguments.end());
    pid_ = spawn(command, environment_of(options), out_path_, err_path_, options);
}

VmProcess::~VmProcess() {
    if (result_) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
}

void VmProcess::send(int signal) const {
    // Once it was waited for, the pid may be somebody else's.
    if (!result_) ::kill(pid_, signal);
}

const VmResult& VmProcess::wait() {
    int status = 0;
    if (!result_ && ::waitpid(pid_, &status, 0) == pid_) finish(status);
    return *result_;
}

bool VmProcess::has_ended() {
    int status = 0;
    if (!result_ && ::waitpid(pid_, &status, WNOHANG) == pid_) finish(status);
    return result_.has_value();
}

std::string VmProcess::out() const {
    return read_text(out_path_);
}

void VmProcess::finish(int status) {
    const int code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    result_ = VmResult{code, read_text(out_path_), read_text(err_path_)};
}

VmResult vm(const std::vector<std::string>& arguments, const VmOptions& options) {
    return VmProcess(arguments, options).wait();
}

std::optional<std::string> guest(const std::string& name) {
    const std::string path = std::string(SOJOURN_GUESTS) + "/" + name + ".wasm";
    if (std::filesystem::exists(path)) return path;
    std::cout << "test skipped: no " << path
              << ": clang-16, lld-16 or wabt was missing when this was built\n";
    return std::nullopt;
}

std::string read_text(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

std::string last_line(const std::string& text) {
    const auto end = text.find_last_not_of('\n');
    if (end == std::string::npos) return "";
    const auto begin = text.find_last_of('\n', end);
    return text.substr(begin == std::string::npos ? 0 : begin + 1,
                       end - (begin == std::string::npos ? 0 : begin + 1) + 1);
}

}  // namespace sojourn::tests
