#include "tests/crash/recorded_run.hpp"

#include <fstream>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "store/store.hpp"
#include "tests/crash/await_output.hpp"
#include "tests/crash/disk_failure.hpp"
#include "tests/support/input_pipe.hpp"

namespace sojourn::tests {

namespace fs = std::filesystem;

namespace {

const std::vector<std::string> kWork = {"8", "128"};  // steps, KiB
constexpr std::uint64_t kRemoved = 2;
constexpr std::uint64_t kKept = 3;

std::vector<std::string> run_command(const std::string& name, const std::string& program) {
    return {"run", "--name", name, "--replace", program, kWork[0], kWork[1]};
}

VmOptions options_in(const fs::path& image) {
    return {{"SOJOURN_STORE=" + (image / "store").native()}, image};
}

std::string failure_of(const std::string& verb, const VmResult& result) {
    return verb + " ended with " + std::to_string(result.exit_code) + ": " + result.err;
}

/// What the store itself finds wrong.
std::string fault_in(const fs::path& store_path) {
    SystemRandom random;
    auto store = store::Store::open(store_path.native(), {.create = false}, random);
    if (!store.ok()) return store.error().message;
    const auto processes = (*store)->processes();
    if (!processes.ok()) return processes.error().message;
    for (const auto& process : *processes) {
        const auto family = (*store)->family(process.family);
        if (!family.ok()) return family.error().message;
        const auto faults = (*family)->verify();
        if (!faults.ok()) return faults.error().message;
        if (!faults->empty()) return faults->front();
    }
    return "";
}

/// The same, found by a host process of its own: where syncs do not count, LMDB may die of what it
/// reads.
std::string fault_found_apart(const fs::path& image) {
    const fs::path report = image / "verify.out";
    const pid_t child = ::fork();
    if (child == 0) {
        std::ofstream(report) << fault_in(image / "store");
        ::_exit(0);
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    if (WIFEXITED(status)) return read_text(report);
    return "reading it all ended with signal " + std::to_string(WTERMSIG(status));
}

std::set<std::uint64_t> ids_in(const std::string& log) {
    std::set<std::uint64_t> ids;
    const auto object = nlohmann::json::parse(log);
    for (const auto& row : object["checkpoints"])
        ids.insert(row["id"].get<std::uint64_t>());
    return ids;
}

nlohmann::json row_of(const std::string& name, const std::string& ps) {
    const auto object = nlohmann::json::parse(ps);
    for (const auto& row : object["processes"]) {
        if (row["name"] == name) return row;
    }
    return nullptr;
}

std::string loss_in_resume(const std::string& reference, const VmOptions& options,
                           const RecordedRun& run) {
    const VmResult resumed = vm({"resume", reference}, options);
    if (resumed.exit_code != 0) return failure_of("resume " + reference, resumed);
    if (last_line(resumed.out) == run.expected_last_line()) return "";
    return "resume " + reference + " ended with " + last_line(resumed.out);
}

std::string loss_in_process(const Promise& promise, const VmOptions& options, const VmResult& ps,
                            const RecordedRun& run) {
    const auto job = row_of("job", ps.out);
    if (job.is_null()) return "the process is not listed";
    if (job["head"].is_null() || job["head"] < promise.newest()) {
        return "the head is " + job["head"].dump() + ", " + std::to_string(promise.newest()) +
               " was acknowledged";
    }
    const VmResult log = vm({"log", "--json", "job"}, options);
    if (log.exit_code != 0) return failure_of("log", log);
    const auto listed = ids_in(log.out);
    for (const std::uint64_t id : promise.checkpoints(job["head"])) {
        if (!listed.contains(id)) return "checkpoint " + std::to_string(id) + " is not listed";
    }
    if (promise.has("removed") && listed.contains(kRemoved)) return "what was removed is back";
    const bool has_exited = job["state"] == "exited";
    return loss_in_resume(has_exited ? "job@" + job["head"].dump() : "job", options, run);
}

}  // namespace

void Promise::hear(const std::string& said) {
    if (said.find(" durable") != std::string::npos || said.starts_with("job@") ||
        said == "suspended") {
        ++checkpoint_count_;
    } else if (said == "removing the copy") {
        things_.erase("imported");
    } else {
        things_.insert(said);
    }
}

std::set<std::uint64_t> Promise::checkpoints(std::uint64_t head) const {
    // The head may be one that nobody has heard of yet, and the oldest have gone for it.
    const bool prunes = has("pruning") && head > kKept;
    std::set<std::uint64_t> ids;
    for (std::uint64_t id = prunes ? head - kKept + 1 : 1; id <= checkpoint_count_; ++id) {
        if (id != kRemoved || !has("removing")) ids.insert(id);
    }
    return ids;
}

RecordedRun::RecordedRun(const std::string& program, const TemporaryFolder& folder)
    : folder_(folder.path()) {
    const VmResult undisturbed = vm({"run", program, kWork[0], kWork[1]}, {{}, folder_});
    REQUIRE(undisturbed.exit_code == 0);
    last_line_ = last_line(undisturbed.out);
    fs::create_directory(folder_ / "disk");
    live(program);
    events_ = read_disk_log(folder_ / "log");
}

std::string RecordedRun::exported() const {
    return read_text(folder_ / "disk/job.image");
}

VmOptions RecordedRun::options(int standard_input) const {
    return {watched(folder_ / "disk", folder_ / "log"), folder_, standard_input};
}

void RecordedRun::perform(const std::vector<std::string>& arguments,
                          const std::string& said_after) {
    const VmResult result = vm(arguments, options());
    INFO(failure_of(arguments[0], result));
    REQUIRE(result.exit_code == 0);
    if (!said_after.empty()) say_in_disk_log(folder_ / "log", said_after);
}

void RecordedRun::live(const std::string& program) {
    const fs::path log = folder_ / "log";
    const std::string image = folder_ / "disk/job.image";
    const InputPipe silence;
    VmProcess first(run_command("job", program), options(silence.reader()));
    await_output(first, "step 4");
    perform({"checkpoint", "job"}, "");
    perform({"suspend", "job"}, "suspended");
    perform({"export", "job", "-o", image}, "exported");
    perform({"import", image, "--name", "copy"}, "imported");
    say_in_disk_log(log, "removing");
    perform({"rm", "job@" + std::to_string(kRemoved)}, "removed");
    perform({"store", "compact"}, "");
    say_in_disk_log(log, "removing the copy");
    perform({"rm", "copy"}, "");
    say_in_disk_log(log, "pruning");
    perform({"resume", "job", "--keep", "last=" + std::to_string(kKept)}, "");
}

std::string loss_in(const fs::path& image, const Promise& promise, const RecordedRun& run,
                    const std::string& program) {
    const VmOptions options = options_in(image);
    if (promise.is_empty()) {
        const VmResult again = vm(run_command("job", program), options);
        return again.exit_code == 0 ? "" : failure_of("run", again);
    }
    const VmResult ps = vm({"ps", "--json"}, options);
    if (ps.exit_code != 0) return failure_of("ps", ps);
    if (auto fault = fault_found_apart(image); !fault.empty()) return fault;
    const VmResult verified = vm({"store", "verify"}, options);
    if (verified.exit_code != 0) return failure_of("store verify", verified) + verified.out;
    if (promise.has("exported") && read_text(image / "job.image") != run.exported()) {
        return "the exported file is not whole";
    }
    if (promise.has("imported")) {
        if (auto loss = loss_in_resume("copy", options, run); !loss.empty()) return loss;
    }
    return loss_in_process(promise, options, ps, run);
}

}  // namespace sojourn::tests
