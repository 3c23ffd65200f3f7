// Sorts more records than it keeps in memory: many files are open at once, each at a place of its
// own.
//
//   merge [--records N] [--runs R]
//
// Writes N pseudo-random records (default 2,000,000), sorted, into R files (default 24), then
// merges these into the file sorted and removes them. It prints its progress at each twentieth of
// the way, and ends with a line that digests what it reads back. Deterministic: however often it
// was suspended, killed and moved, it ends with the same line.
#include <algorithm>
#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <queue>
#include <string>
#include <string_view>
#include <vector>

namespace {

[[noreturn]] void die(const std::string& what) {
    std::fprintf(stderr, "merge: %s\n", what.c_str());
    std::exit(1);
}

/// A file of records, one a line, that ends the program when it can't be read or written.
class RecordFile {
public:
    RecordFile(const std::string& name, const char* mode)
        : name_(name), file_(std::fopen(name.c_str(), mode), std::fclose) {
        if (file_ == nullptr) die("cannot open " + name);
    }

    void append(std::uint64_t record) {
        if (std::fprintf(file_.get(), "%016" PRIx64 "\n", record) < 0) die("cannot write " + name_);
    }
    /// False at the end.
    bool read(std::uint64_t& record) { return std::fscanf(file_.get(), "%" SCNx64, &record) == 1; }
    void flush() {
        if (std::fflush(file_.get()) != 0) die("cannot write " + name_);
    }

private:
    std::string name_;
    std::unique_ptr<std::FILE, int (*)(std::FILE*)> file_;
};

/// Tells how far the way is done, at each twentieth.
class Progress {
public:
    Progress(const char* what, std::uint64_t whole) : what_(what), whole_(whole) {}

    void advance() {
        ++done_;
        const std::uint64_t twentieths = done_ * 20 / whole_;
        if (twentieths == (done_ - 1) * 20 / whole_) return;
        std::printf("%s %" PRIu64 " %%\n", what_, twentieths * 5);
        std::fflush(stdout);
    }

private:
    const char* what_;
    std::uint64_t whole_;
    std::uint64_t done_ = 0;
};

std::uint64_t mix(std::uint64_t value) {
    value ^= value >> 32U;
    value *= 0x9e3779b97f4a7c15;
    value ^= value >> 29U;
    value *= 0xd6e8feb86659fd93;
    return value ^ value >> 32U;
}

std::string run_name(std::uint64_t run) {
    return "run-" + std::to_string(run);
}

void write_runs(std::uint64_t record_count, std::uint64_t run_count) {
    Progress progress("sorted", record_count);
    for (std::uint64_t run = 0; run < run_count; ++run) {
        std::vector<std::uint64_t> records;
        for (std::uint64_t i = run; i < record_count; i += run_count)
            records.push_back(mix(i + 1));
        std::sort(records.begin(), records.end());

        RecordFile file(run_name(run), "w");
        for (const std::uint64_t record : records) {
            file.append(record);
            progress.advance();
        }
        file.flush();
    }
}

void merge_runs(std::uint64_t record_count, std::uint64_t run_count) {
    std::vector<RecordFile> runs;
    // The next record of each run, the least on top.
    using Next = std::pair<std::uint64_t, std::uint64_t>;
    std::priority_queue<Next, std::vector<Next>, std::greater<>> next;
    const auto take_from = [&](std::uint64_t run) {
        std::uint64_t record = 0;
        if (runs[run].read(record)) next.emplace(record, run);
    };
    for (std::uint64_t run = 0; run < run_count; ++run) {
        runs.emplace_back(run_name(run), "r");
        take_from(run);
    }

    RecordFile sorted("sorted", "w");
    Progress progress("merged", record_count);
    while (!next.empty()) {
        const auto [record, run] = next.top();
        next.pop();
        sorted.append(record);
        take_from(run);
        progress.advance();
    }
    sorted.flush();
}

void print_digest() {
    RecordFile sorted("sorted", "r");
    std::uint64_t digest = 0;
    std::uint64_t count = 0;
    std::uint64_t last = 0;
    for (std::uint64_t record = 0; sorted.read(record); ++count) {
        if (record < last) die("the result is not in order");
        last = record;
        digest = mix(digest ^ record);
    }
    std::printf("digest %016" PRIx64 " records %" PRIu64 "\n", digest, count);
}

}  // namespace

int main(int argc, char** argv) {
    std::uint64_t record_count = 2'000'000;
    std::uint64_t run_count = 24;
    for (int i = 1; i + 1 < argc; i += 2) {
        const std::string_view option = argv[i];
        if (option == "--records") record_count = std::strtoull(argv[i + 1], nullptr, 10);
        if (option == "--runs") run_count = std::strtoull(argv[i + 1], nullptr, 10);
    }
    if (record_count == 0 || run_count == 0) die("--records and --runs take at least 1");

    write_runs(record_count, run_count);
    merge_runs(record_count, run_count);
    print_digest();
    for (std::uint64_t run = 0; run < run_count; ++run)
        std::remove(run_name(run).c_str());
}
