#pragma once

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "vm/exec/code_cache.hpp"
#include "vm/exec/code_space.hpp"
#include "vm/exec/compiled.hpp"

namespace sojourn::vm {

/// How a tier works that compiles in the background.
struct BackgroundOptions {
    unsigned threads = 1;
    /// After how many arrivals a function, or a loop, is asked for. Interpreting that often takes
    /// about as long as compiling it.
    std::uint32_t patience = 10'000;
};

/// What a compiler makes of a function of a module, or, with an offset, of what is left of it from
/// that loop on. Requires: it is not imported, its body is valid.
CompiledObject compile_function(Compiler& compiler, const Module& module,
                                std::uint32_t function_index, std::uint32_t loop_offset,
                                const std::atomic<bool>& is_unwanted);

/// How a function, or what is left of it from a loop on, is run by now.
struct CodeState {
    enum class Tier : std::uint8_t {
        compiled,
        waiting,  ///< interpreted until it is compiled
        interpreted,
    };

    Sha256 module;
    std::uint32_t function_index = 0;
    std::uint32_t loop_offset = 0;  ///< 0: the whole function
    Tier tier = Tier::compiled;

    bool operator==(const CodeState&) const = default;
};

/// `compiled`
std::string_view text_of(CodeState::Tier tier);

/// Compiled code of all modules that a host process runs. It outlives the machines: one that comes
/// back finds the code that was made in its former life, and with a cache that of other host
/// processes.
///
/// Guests' threads ask. What the cache has they get at once; what is compiled in the background is
/// found there when they ask again.
class CompiledTier {
public:
    /// Makes a compiler for the thread that calls. Errors: unsupported.
    using Source = std::function<Result<std::unique_ptr<Compiler>>()>;

    /// Compiles what is asked for at once. Without a compiler, which is made when it is needed
    /// first, all code is refused, and it is known why. `cache` may be nullptr.
    explicit CompiledTier(Source source, std::unique_ptr<CodeCache> cache = nullptr)
        : source_(std::move(source)), cache_(std::move(cache)), is_at_once_(true) {}
    /// The same of what is asked for often, the hottest first, in threads of low priority that
    /// begin with the first request.
    CompiledTier(Source source, const BackgroundOptions& options,
                 std::unique_ptr<CodeCache> cache = nullptr)
        : source_(std::move(source)), options_(options), cache_(std::move(cache)) {}
    /// As stop(), and waits until nothing is being compiled.
    ~CompiledTier();
    CompiledTier(const CompiledTier&) = delete;
    CompiledTier& operator=(const CompiledTier&) = delete;

    /// From now on perf and debuggers are told whose code is compiled. Requires: nothing is yet.
    void tell_names() { space_.tell_names(); }

    /// Code for a function from its beginning, or, with an offset, from that loop on; nullptr: not
    /// yet. Requires: the function is not imported, its body is valid.
    const CompiledCode* ask(const std::shared_ptr<const Module>& module,
                            std::uint32_t function_index, std::uint32_t loop_offset);

    /// How often what begins at that offset of a module, a function's body or a loop, is to be
    /// interpreted before it is asked for; not 0.
    [[nodiscard]] std::uint32_t patience(const Module& module, std::uint32_t begin) const;
    /// The same before it is asked for again: rarely enough to cost nothing, and so often that what
    /// was made meanwhile is soon in use.
    [[nodiscard]] std::uint32_t patience() const {
        return is_at_once_ ? 1 : std::max(options_.patience / kAsksWhileWaiting, 1U);
    }

    /// Begins nothing more, and gives up what is being compiled; what was compiled is in the cache
    /// when it returns. Requires: no machine runs.
    void stop();
    /// Whether something is being compiled. What was given up may go on for seconds: the step that
    /// makes the code can't be cut short.
    [[nodiscard]] bool is_busy() const;

    /// How many functions and loops were compiled, how many were in the cache, and how many were
    /// left to the interpreter for which reason.
    [[nodiscard]] std::map<std::string, std::uint64_t> counts() const;
    /// What was asked for: what is decided first, as it was found to be hot, then what waits, the
    /// hottest first.
    [[nodiscard]] std::vector<CodeState> states() const;
    /// Processor time that compiling took, whatever came of it.
    [[nodiscard]] std::uint64_t compile_ns() const { return compile_ns_; }

private:
    using Key = std::pair<Sha256, std::uint32_t>;  ///< a module, and where it begins there

    struct Job {
        std::shared_ptr<const Module> module;
        std::uint32_t function_index;
        std::uint32_t loop_offset;
        std::uint64_t requests = 0;
        bool is_taken = false;
    };
    using Jobs = std::map<Key, Job>;
    struct Made {
        CompiledCode code;
        std::uint32_t function_index;
        std::uint32_t loop_offset;
        std::uint64_t order;  ///< in which they were made
    };

    static constexpr std::uint32_t kAsksWhileWaiting = 16;

    static std::uint32_t begin_of(const Job& job);
    void enqueue(const Key& key, Job job);
    /// Whether it is a loop of a function that is compiled as a whole, and is asked for the first
    /// time since: the next call may be what the guest needs.
    bool may_be_called_again(const Key& key, const Job& job);
    /// What is there stays. Requires: the mutex is held.
    const CompiledCode& add(const Key& key, const Job& job, CompiledCode code);
    /// What the cache has, ready to be called.
    std::optional<CompiledCode> find_kept(const Job& job);
    /// The hottest that nobody has taken.
    Jobs::iterator next_job();
    void serve();
    /// Without a compiler: it is refused. Any thread.
    CompiledCode make(const Result<std::unique_ptr<Compiler>>& compiler, const Job& job);
    CompiledCode make_at_once(const Job& job);
    CompiledCode load(const Job& job, Bytes object);

    const Source source_;
    const BackgroundOptions options_{};
    const std::unique_ptr<CodeCache> cache_;  ///< nullptr: nothing is kept
    const bool is_at_once_ = false;

    CodeSpace space_;
    mutable std::mutex mutex_;
    std::map<Key, Made> codes_;  ///< never changed once they are there
    std::uint64_t found_in_cache_ = 0;
    std::mutex compiling_mutex_;                                 ///< guards what follows
    std::optional<Result<std::unique_ptr<Compiler>>> compiler_;  ///< of those who ask
    Jobs jobs_;
    std::set<Key> passed_over_;  ///< loops, by may_be_called_again()
    std::condition_variable wake_;
    std::atomic<bool> is_ending_ = false;
    unsigned busy_threads_ = 0;
    std::atomic<std::uint64_t> compile_ns_ = 0;
    std::vector<std::thread> threads_;
};

}  // namespace sojourn::vm
