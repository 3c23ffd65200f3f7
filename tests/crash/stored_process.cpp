#include "tests/crash/stored_process.hpp"

#include <cerrno>
#include <cstring>
#include <grp.h>
#include <iostream>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "tests/crash/await_output.hpp"
#include "tests/support/input_pipe.hpp"

namespace sojourn::tests {

namespace fs = std::filesystem;

namespace {

const Arguments kWork = {"6", "64"};  // steps, KiB

bool contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

std::string text_of(const Arguments& verb) {
    std::string text;
    for (const std::string& argument : verb)
        text += argument + " ";
    return text;
}

Arguments run_of(const std::string& program, Arguments arguments) {
    arguments.push_back(program);
    arguments.insert(arguments.end(), kWork.begin(), kWork.end());
    return arguments;
}

/// Runs `body` in a host process of kOtherUser; what that exits with.
int as_other_user(const std::function<int()>& body) {
    const pid_t child = ::fork();
    if (child == 0) {
        const bool is_other = ::setgroups(0, nullptr) == 0 &&
                              ::setresgid(kOtherUser, kOtherUser, kOtherUser) == 0 &&
                              ::setresuid(kOtherUser, kOtherUser, kOtherUser) == 0;
        ::_exit(is_other ? body() : 1);
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace

StoredProcess::StoredProcess(std::string program) : program_(std::move(program)) {
    // Other users may pass, to where they are let in.
    fs::permissions(folder_.path(), fs::perms(0711));
    fs::create_directory(folder_.path() / "said");
    fs::permissions(folder_.path() / "said", fs::perms::all);
    const VmResult undisturbed = perform(run_of(program_, {"run"}));
    REQUIRE(undisturbed.exit_code == 0);
    last_line_ = last_line(undisturbed.out);

    const InputPipe silence;
    VmProcess runner(run_of(program_, {"run", "--name", "job"}), options(silence.reader()));
    await_output(runner, "step 3");
    expect_works({"suspend", "job"});
    runner.wait();
    expect_works({"export", "job", "-o", image()});
    family_ = *fs::directory_iterator(store() / "families");
}

std::vector<Arguments> StoredProcess::reading_verbs() const {
    return {{"ps"}, {"log", "job"}, {"export", "job", "-o", exported()}, {"store", "verify"}};
}

std::vector<Arguments> StoredProcess::runner_verbs() const {
    return {{"checkpoint", "job"}, {"suspend", "job"}};
}

std::vector<Arguments> StoredProcess::writing_verbs() const {
    return {{"resume", "job"},
            {"rm", "job@1"},
            run_of(program_, {"run", "--name", "job"}),
            run_of(program_, {"run", "--name", "job", "--replace"})};
}

std::vector<Arguments> StoredProcess::other_verbs() const {
    return {{"import", image(), "--name", "copy"}, run_of(program_, {"run", "--name", "other"})};
}

VmOptions StoredProcess::options(int standard_input) const {
    return {{"SOJOURN_STORE=" + store().native()}, folder_.path() / "said", standard_input};
}

VmResult StoredProcess::perform(const Arguments& verb) const {
    return vm(verb, options());
}

void StoredProcess::expect_refusal(const VmResult& result, const Arguments& parts) {
    INFO(result.out << result.err);
    REQUIRE(result.exit_code == 125);
    REQUIRE(result.err.starts_with("vm: error: "));
    REQUIRE(result.err.find('\n') == result.err.size() - 1);
    for (const std::string& part : parts)
        REQUIRE(contains(result.out + result.err, part));
}

void StoredProcess::expect_refused(const Arguments& verb, const Arguments& parts) const {
    INFO("vm " << text_of(verb));
    expect_refusal(perform(verb), parts);
    REQUIRE_FALSE(fs::exists(exported()));
}

void StoredProcess::expect_works(const Arguments& verb) const {
    const VmResult result = perform(verb);
    INFO("vm " << text_of(verb) << ": " << result.err);
    REQUIRE(result.exit_code == 0);
}

void StoredProcess::expect_goes_on() const {
    expect_undisturbed_end(perform({"resume", "job"}));
}

void StoredProcess::expect_undisturbed_end(const VmResult& resumed) const {
    INFO(resumed.err);
    REQUIRE(resumed.exit_code == 0);
    REQUIRE(last_line(resumed.out) == last_line_);
}

void StoredProcess::give_away() const {
    for (const auto& entry : fs::recursive_directory_iterator(store()))
        REQUIRE(::chown(entry.path().c_str(), kOtherUser, kOtherUser) == 0);
    REQUIRE(::chown(store().c_str(), kOtherUser, kOtherUser) == 0);
}

void StoredProcess::allow_writing(bool allowed) const {
    const auto how = allowed ? fs::perm_options::add : fs::perm_options::remove;
    std::vector<fs::path> paths = {store()};
    for (const auto& entry : fs::recursive_directory_iterator(store()))
        paths.push_back(entry.path());
    for (const fs::path& path : paths)
        fs::permissions(path, fs::perms::owner_write, how);
}

std::map<std::string, std::string> StoredProcess::content() const {
    std::map<std::string, std::string> files;
    if (fs::is_regular_file(store())) return {{store(), read_text(store())}};
    for (const auto& entry : fs::recursive_directory_iterator(store())) {
        const fs::path path = entry.path();
        const bool is_lock = path.filename() == "lock.mdb" || path.extension() == ".lock";
        if (!is_lock) files[path] = entry.is_regular_file() ? read_text(path) : "";
    }
    return files;
}

Obstacle::Obstacle(fs::path path, fs::path aside,
                   const std::function<void(const fs::path& path)>& put)
    : path_(std::move(path)), aside_(std::move(aside)) {
    fs::rename(path_, aside_);
    if (put) put(path_);
}

Obstacle::~Obstacle() {
    std::error_code problem;
    fs::remove_all(path_, problem);
    fs::rename(aside_, path_, problem);
}

ReadOnlyMount::ReadOnlyMount(fs::path folder) : folder_(std::move(folder)) {
    constexpr unsigned long kAgain = MS_REMOUNT | MS_BIND | MS_RDONLY;
    const char* path = folder_.c_str();
    is_there_ = ::mount(path, path, nullptr, MS_BIND, nullptr) == 0;
    if (is_there_ && ::mount(nullptr, path, nullptr, kAgain, nullptr) == 0) return;
    std::cout << "test skipped: cannot mount a folder read-only: " << std::strerror(errno) << "\n";
    if (is_there_) ::umount2(path, MNT_DETACH);
    is_there_ = false;
}

ReadOnlyMount::~ReadOnlyMount() {
    if (is_there_) ::umount2(folder_.c_str(), MNT_DETACH);
}

bool can_be_other_user(const fs::path& folder) {
    if (::geteuid() != 0) {
        std::cout << "test skipped: only root can be another user\n";
        return false;
    }
    const int refused = as_other_user([&] {
        return ::access(SOJOURN_VM, X_OK) == 0 && ::access(folder.c_str(), X_OK) == 0 ? 0 : 1;
    });
    if (refused == 0) return true;
    std::cout << "test skipped: uid " << kOtherUser << " cannot reach " SOJOURN_VM " or "
              << folder.native() << "\n";
    return false;
}

VmResult vm_of_other_user(const Arguments& arguments, const VmOptions& options) {
    const fs::path out = options.folder / "other.out";
    const fs::path err = options.folder / "other.err";
    VmResult result;
    result.exit_code = as_other_user([&] {
        const VmResult said = vm(arguments, options);
        std::ofstream(out) << said.out;
        std::ofstream(err) << said.err;
        return said.exit_code;
    });
    result.out = read_text(out);
    result.err = read_text(err);
    return result;
}

}  // namespace sojourn::tests
