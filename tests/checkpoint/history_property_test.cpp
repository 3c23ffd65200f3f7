#include <algorithm>
#include <array>
#include <cstdlib>
#include <iostream>
#include <map>
#include <random>
#include <set>

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include "tests/checkpoint/process_fixture.hpp"
#include "tests/support/input_pipe.hpp"
#include "tests/support/seed.hpp"

/// Random histories of the verbs against a model that keeps a whole copy of the guest's memory for
/// each checkpoint. Repeat one with `SOJOURN_SEED=n checkpoint "[histories]"`.
using namespace sojourn::tests;
using Json = nlohmann::json;

namespace {

constexpr std::size_t kSlots = 4096;
using Table = std::array<std::uint64_t, kSlots>;  ///< as sums.c has it

void add(Table& table, std::uint64_t number) {
    for (std::uint64_t step = 0; step < 8; ++step)
        table[(number * 31 + step * 577) % kSlots] += number + step;
}

std::string digest(const Table& table) {
    std::uint64_t sum = 14695981039346656037U;
    for (const std::uint64_t slot : table)
        sum = (sum ^ slot) * 1099511628211U;
    return fmt::format("{:016x}", sum);
}

struct Checkpoint {
    Table table{};
    std::vector<std::string> tags = {};
};

struct Process {
    std::string family;                  ///< the name of the first one in it
    std::vector<std::uint64_t> history;  ///< checkpoints, as the log has them
    std::uint64_t head = 0;
};

class Histories {
public:
    Histories(std::string program, std::uint32_t seed)
        : program_(std::move(program)), random_(seed) {}

    void begin() {
        const std::string name = "first";
        perform_on(name, {"run", "--name", name, program_}, {}, 4);
        refresh(name, name);
    }

    void step() {
        const std::string name = any_process();
        switch (below(12)) {
            case 0:
            case 1:
            case 2:
                return go_on(name);
            case 3:
                return fork(name);
            case 4:
                return ship(name);
            case 5:
                return prune(name);
            case 6:
                return remove_checkpoint(name);
            case 7:
                return tag(name);
            case 8:
                return ship_all(name);
            case 9:
                return compact();
            case 10:
                return crash_compacting();
            default:
                return remove_process(name);
        }
    }

    /// Each checkpoint that is left goes on to the end that its copy tells.
    void check() {
        std::set<Key> checked;
        for (auto& [name, process] : processes_) {
            const auto history = process.history;
            for (const std::uint64_t id : history) {
                // Of the past of others a fork sees what it still grows from.
                refresh(name, process.family);
                if (std::ranges::find(process.history, id) == process.history.end()) continue;
                INFO(name << "@" << id);
                const VmResult resumed = feed({"resume", reference(name, id)}, "");
                const std::string sum = digest(model_of(process, id).table);
                REQUIRE(resumed.out == fmt::format("{}\nend {}\n", sum, sum));
                checked.emplace(process.family, id);
            }
        }
        REQUIRE(checked.size() == model_.size());
        const VmResult verified = fixture_.run({"store", "verify"});
        INFO(verified.out << verified.err);
        REQUIRE(verified.exit_code == 0);
    }

private:
    using Key = std::pair<std::string, std::uint64_t>;  ///< family, number

    std::uint64_t below(std::uint64_t limit) { return random_() % limit; }

    std::string any_process() {
        return std::next(processes_.begin(), static_cast<std::ptrdiff_t>(below(processes_.size())))
            ->first;
    }
    std::uint64_t any_checkpoint(const std::string& name) {
        const auto& history = processes_.at(name).history;
        return history[below(history.size())];
    }
    static std::string reference(const std::string& name, std::uint64_t id) {
        return name + "@" + std::to_string(id);
    }
    Checkpoint& model_of(const Process& process, std::uint64_t id) {
        return model_.at({process.family, id});
    }

    VmResult feed(const std::vector<std::string>& arguments, const std::string& input) {
        InputPipe pipe;
        pipe.write(input);
        pipe.end();
        VmOptions options = fixture_.options();
        options.standard_input = pipe.reader();
        return vm(arguments, options);
    }

    /// Lets the guest go on from `table` with some numbers, and maybe a crash behind them.
    void perform_on(const std::string& name, const std::vector<std::string>& arguments, Table table,
                    std::uint64_t numbers) {
        std::string input;
        // A resumed guest comes back from the call that took its checkpoint.
        std::string expected = arguments.front() == "resume" ? digest(table) + "\n" : "";
        std::vector<Checkpoint> taken;
        for (std::uint64_t index = 0; index < numbers; ++index) {
            const std::uint64_t number = below(1'000'000);
            add(table, number);
            taken.push_back({table});
            input += std::to_string(number) + "\n";
            expected += digest(table) + "\n";
        }
        const bool crashes = below(3) == 0;
        if (crashes)
            input += "die\n";
        else
            expected += "end " + digest(table) + "\n";

        const VmResult result = feed(arguments, input);

        INFO(name << ": " << result.err);
        REQUIRE(result.exit_code == (crashes ? 137 : 0));
        REQUIRE(result.out == expected);
        note_new(name, taken);
    }

    /// The newest checkpoints in the log are these.
    void note_new(const std::string& name, const std::vector<Checkpoint>& checkpoints) {
        const Json log = fixture_.run_json({"log", name})["checkpoints"];
        REQUIRE(log.size() >= checkpoints.size());
        const auto known = processes_.find(name);
        const std::string family = known == processes_.end() ? name : known->second.family;
        const std::size_t first = log.size() - checkpoints.size();
        for (std::size_t index = 0; index < checkpoints.size(); ++index) {
            const auto id = log[first + index]["id"].get<std::uint64_t>();
            REQUIRE_FALSE(model_.contains({family, id}));
            model_[{family, id}] = checkpoints[index];
        }
    }

    /// What the log has is what the model has.
    void refresh(const std::string& name, const std::string& family) {
        Process& process = processes_[name];
        process.family = family;
        process.history.clear();
        const Json log = fixture_.run_json({"log", name});
        for (const auto& row : log["checkpoints"]) {
            const auto id = row["id"].get<std::uint64_t>();
            process.history.push_back(id);
            INFO(reference(name, id));
            REQUIRE(model_.contains({family, id}));
            REQUIRE(row["tags"].get<std::vector<std::string>>() == model_of(process, id).tags);
        }
        process.head = fixture_.row_of(name)["head"].get<std::uint64_t>();
    }

    void refresh_family(const std::string& family) {
        std::vector<std::string> names;
        for (const auto& [name, process] : processes_) {
            if (process.family == family) names.push_back(name);
        }
        for (const std::string& name : names)
            refresh(name, family);
    }

    void go_on(const std::string& name) {
        const std::uint64_t from = any_checkpoint(name);
        const std::string family = processes_.at(name).family;
        perform_on(name, {"resume", reference(name, from)},
                   model_of(processes_.at(name), from).table, 1 + below(3));
        refresh(name, family);
    }

    void fork(const std::string& name) {
        const std::uint64_t from = any_checkpoint(name);
        const std::string copy = "fork" + std::to_string(++copies_);
        REQUIRE(fixture_.run({"fork", reference(name, from), copy}).out == copy + "\n");
        refresh(copy, processes_.at(name).family);
        REQUIRE(processes_.at(copy).head == from);
    }

    void ship(const std::string& name) {
        const std::uint64_t from = any_checkpoint(name);
        const std::string copy = "shipped" + std::to_string(++copies_);
        const std::string image = fixture_.folder() / "image";
        REQUIRE(fixture_.run({"export", reference(name, from), "-o", image}).exit_code == 0);
        REQUIRE(fixture_.run({"import", image, "--name", copy}).exit_code == 0);
        note_new(copy, {model_of(processes_.at(name), from)});
        refresh(copy, copy);
    }

    void ship_all(const std::string& name) {
        const Process& process = processes_.at(name);
        const std::string copy = "history" + std::to_string(++copies_);
        const std::string image = fixture_.folder() / "image";
        REQUIRE(fixture_.run({"export", name, "--all", "-o", image}).exit_code == 0);
        REQUIRE(fixture_.run({"import", image, "--name", copy}).exit_code == 0);
        std::vector<Checkpoint> shipped;
        for (const std::uint64_t id : process.history)
            shipped.push_back(model_of(process, id));
        note_new(copy, shipped);
        refresh(copy, copy);
        REQUIRE(processes_.at(copy).history.size() == shipped.size());
    }

    void compact() {
        const Json planned = fixture_.run_json({"store", "compact", "--dry-run"});
        const Json compacted = fixture_.run_json({"store", "compact"});
        REQUIRE(compacted["before_bytes"] == planned["before_bytes"]);
        REQUIRE(compacted["after_bytes"] == planned["after_bytes"]);
    }

    void crash_compacting() {
        constexpr std::array kPoints{"copied", "before_rename", "after_rename"};
        VmOptions options = fixture_.options();
        options.environment.push_back(
            fmt::format("SOJOURN_FAULT=store_compact_{}:kill", kPoints[below(kPoints.size())]));
        const VmResult killed = vm({"store", "compact"}, options);
        INFO(killed.err);
        // Where there is little to gain, it never gets there.
        REQUIRE((killed.exit_code == 0 || killed.exit_code == 137));
    }

    void tag(const std::string& name) {
        const std::uint64_t id = any_checkpoint(name);
        const std::string word = "tag" + std::to_string(++copies_);
        REQUIRE(fixture_.run({"tag", reference(name, id), word}).exit_code == 0);
        auto& tags = model_of(processes_.at(name), id).tags;
        tags.push_back(word);
        std::ranges::sort(tags);
        refresh_family(processes_.at(name).family);
    }

    void prune(const std::string& name) {
        const std::string family = processes_.at(name).family;
        const std::vector<std::string> rule{"prune", name, "--keep",
                                            "last=" + std::to_string(1 + below(3))};
        auto dry = rule;
        dry.emplace_back("--dry-run");
        const Json planned = fixture_.run_json(dry);
        const Json pruned = fixture_.run_json(rule);
        REQUIRE(pruned["removed"] == planned["removed"]);
        REQUIRE(pruned["freed_bytes"] == planned["freed_bytes"]);
        for (const auto& row : pruned["removed"]) {
            const auto id = row.get<std::uint64_t>();
            REQUIRE(model_.at({family, id}).tags.empty());
            for (const auto& [other, process] : processes_)
                REQUIRE((process.family != family || process.head != id));
            model_.erase({family, id});
        }
        refresh_family(family);
    }

    void remove_checkpoint(const std::string& name) {
        const std::string family = processes_.at(name).family;
        const std::uint64_t id = any_checkpoint(name);
        const bool is_head = std::ranges::any_of(processes_, [&](const auto& entry) {
            return entry.second.family == family && entry.second.head == id;
        });
        const VmResult removed = fixture_.run({"rm", reference(name, id)});
        INFO(removed.err);
        REQUIRE(removed.exit_code == (is_head ? 125 : 0));
        if (!is_head) model_.erase({family, id});
        refresh_family(family);
    }

    void remove_process(const std::string& name) {
        if (processes_.size() < 3) return;
        const std::string family = processes_.at(name).family;
        REQUIRE(fixture_.run({"rm", name}).exit_code == 0);
        processes_.erase(name);
        refresh_family(family);
        // What no other one stands at or has in its past has gone with it.
        std::set<Key> left;
        for (const auto& [other, process] : processes_) {
            for (const std::uint64_t id : process.history)
                left.emplace(process.family, id);
        }
        std::erase_if(model_, [&](const auto& entry) { return !left.contains(entry.first); });
        for (const auto& [other, process] : processes_)
            REQUIRE(left.contains({process.family, process.head}));
    }

    const std::string program_;
    std::mt19937 random_;
    ProcessFixture fixture_;
    std::map<std::string, Process> processes_;
    std::map<Key, Checkpoint> model_;
    int copies_ = 0;
};

int histories() {
    const char* text = std::getenv("SOJOURN_TEST_EFFORT");
    return text == nullptr ? 3 : 3 * std::atoi(text);
}

}  // namespace

TEST_CASE("every checkpoint that is left goes on to its own end, whatever was done before",
          "[process][histories]") {
    const auto program = guest("sums");
    if (!program) return;
    const std::uint32_t first = first_seed();
    std::cout << "histories from SOJOURN_SEED=" << first << "\n";

    for (std::uint32_t seed = first; seed < first + static_cast<std::uint32_t>(histories());
         ++seed) {
        CAPTURE(seed);
        Histories history(*program, seed);
        history.begin();
        for (int step = 0; step < 25; ++step)
            history.step();
        history.check();
    }
}
