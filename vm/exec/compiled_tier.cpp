#include "vm/exec/compiled_tier.hpp"

#include <algorithm>
#include <array>
#include <csignal>
#include <ctime>
#include <functional>
#include <sys/resource.h>
#include <unistd.h>

#include <fmt/format.h>

#include "base/fault_point.hpp"
#include "base/trace.hpp"

namespace sojourn::vm {

namespace {

/// More than these are not remembered: who is hot asks again.
constexpr std::size_t kJobsMax = 1024;
constexpr int kCompilingNiceness = 10;
const std::string kCompiled = "compiled";
const std::string kFoundInCache = "found in the cache";

std::string place_of(const Module& module, std::uint32_t function_index,
                     std::uint32_t loop_offset) {
    constexpr std::size_t kDigits = 8;
    const std::string loop = loop_offset == 0 ? "" : fmt::format("-{:#x}", loop_offset);
    return fmt::format("{}-{}{}", module.digest().hex().substr(0, kDigits), function_index, loop);
}

/// For people, in printable characters of ASCII.
std::string name_of(const Module& module, std::uint32_t function_index, std::uint32_t loop_offset) {
    std::string name = module.function_name(function_index);
    for (char& character : name) {
        if (character < ' ' || character > '~') character = '?';
    }
    if (loop_offset != 0) name += fmt::format(" from loop {:#x}", loop_offset);
    return name;
}

/// That this thread has taken.
std::uint64_t processor_time_ns() {
    timespec time{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000'000 +
           static_cast<std::uint64_t>(time.tv_nsec);
}

const void* find_symbol(const CodeSpace::Symbols& symbols, const char* name) {
    const auto found = symbols.find(name);
    return found == symbols.end() ? nullptr : found->second.data();
}

}  // namespace

CompiledObject compile_function(Compiler& compiler, const Module& module,
                                std::uint32_t function_index, std::uint32_t loop_offset,
                                const std::atomic<bool>& is_unwanted) {
    const std::function<Result<Function>(std::uint32_t)> validated = [&](std::uint32_t index) {
        return validated_function(module, index);
    };
    const auto function = validated(function_index);
    INVARIANT(function.ok(), "only a function whose body is valid is compiled");
    return compiler.compile({
        .module = module,
        .function = *function,
        .function_index = function_index,
        .is_unwanted = is_unwanted,
        .validated = validated,
        .loop_offset = loop_offset,
        .name = name_of(module, function_index, loop_offset),
        .place = place_of(module, function_index, loop_offset),
    });
}

std::string_view text_of(CodeState::Tier tier) {
    constexpr std::array<std::string_view, 3> kNames{"compiled", "waiting", "interpreted"};
    return kNames[static_cast<std::size_t>(tier)];
}

CompiledTier::~CompiledTier() {
    stop();
    for (std::thread& thread : threads_)
        thread.join();
}

const CompiledCode* CompiledTier::ask(const std::shared_ptr<const Module>& module,
                                      std::uint32_t function_index, std::uint32_t loop_offset) {
    const Job job{module, function_index, loop_offset};
    const Key key{module->digest(), begin_of(job)};
    std::unique_lock lock(mutex_);
    const auto found = codes_.find(key);
    if (found != codes_.end()) return &found->second.code;
    if (auto kept = find_kept(job)) {
        ++found_in_cache_;
        return &add(key, job, *std::move(kept));
    }
    if (is_at_once_) {
        lock.unlock();
        CompiledCode code = make_at_once(job);
        lock.lock();
        return &add(key, job, std::move(code));
    }
    if (!may_be_called_again(key, job)) enqueue(key, job);
    return nullptr;
}

bool CompiledTier::may_be_called_again(const Key& key, const Job& job) {
    const std::uint32_t body_offset = job.module->functions[job.function_index].body_offset;
    const auto whole = codes_.find({key.first, body_offset});
    return whole != codes_.end() && whole->second.code.entry != nullptr &&
           passed_over_.insert(key).second;
}

CompiledCode CompiledTier::make_at_once(const Job& job) {
    const std::lock_guard guard(compiling_mutex_);
    if (!compiler_) compiler_ = source_();
    return make(*compiler_, job);
}

const CompiledCode& CompiledTier::add(const Key& key, const Job& job, CompiledCode code) {
    const std::uint64_t order = codes_.size();
    const Made made{std::move(code), job.function_index, job.loop_offset, order};
    return codes_.emplace(key, made).first->second.code;
}

std::uint32_t CompiledTier::begin_of(const Job& job) {
    return job.loop_offset != 0 ? job.loop_offset
                                : job.module->functions[job.function_index].body_offset;
}

std::optional<CompiledCode> CompiledTier::find_kept(const Job& job) {
    if (!cache_) return std::nullopt;
    const auto object = cache_->find(*job.module, begin_of(job));
    if (!object) return std::nullopt;
    CompiledCode code = load(job, *object);
    TRACE(vm, "found_compiled", job.function_index, job.loop_offset, code.refusal);
    if (code.entry == nullptr) return std::nullopt;
    return code;
}

CompiledCode CompiledTier::load(const Job& job, Bytes object) {
    const auto symbols =
        space_.load(object, name_of(*job.module, job.function_index, job.loop_offset));
    if (!symbols.ok()) return {.refusal = symbols.error().message};
    const void* const entry = find_symbol(*symbols, kEntrySymbol);
    if (entry == nullptr) return {.refusal = "compiled code has no entry"};
    return {.entry = reinterpret_cast<CompiledEntry>(reinterpret_cast<std::uintptr_t>(entry)),
            .body = find_symbol(*symbols, kBodySymbol)};
}

std::uint32_t CompiledTier::patience(const Module& module, std::uint32_t begin) const {
    if (cache_ && cache_->has(module, begin)) return 1;
    const std::lock_guard guard(mutex_);
    const bool is_known = !codes_.empty() && codes_.contains({module.digest(), begin});
    return is_known || is_at_once_ ? 1 : options_.patience;
}

std::map<std::string, std::uint64_t> CompiledTier::counts() const {
    const std::lock_guard guard(mutex_);
    std::map<std::string, std::uint64_t> counts;
    for (const auto& [key, made] : codes_)
        ++counts[made.code.entry != nullptr ? kCompiled : "interpreted: " + made.code.refusal];
    if (found_in_cache_ == 0) return counts;
    counts[kFoundInCache] = found_in_cache_;
    counts[kCompiled] -= found_in_cache_;
    if (counts[kCompiled] == 0) counts.erase(kCompiled);
    return counts;
}

std::vector<CodeState> CompiledTier::states() const {
    using Tier = CodeState::Tier;
    const std::lock_guard guard(mutex_);
    std::vector<CodeState> states(codes_.size());
    for (const auto& [key, made] : codes_) {
        const Tier tier = made.code.entry != nullptr ? Tier::compiled : Tier::interpreted;
        states[made.order] = {key.first, made.function_index, made.loop_offset, tier};
    }
    std::vector<const Job*> waiting;
    for (const auto& [key, job] : jobs_)
        waiting.push_back(&job);
    std::ranges::stable_sort(waiting, std::greater(), &Job::requests);
    for (const Job* job : waiting) {
        states.push_back(
            {job->module->digest(), job->function_index, job->loop_offset, Tier::waiting});
    }
    return states;
}

CompiledCode CompiledTier::make(const Result<std::unique_ptr<Compiler>>& compiler, const Job& job) {
    if (!compiler.ok()) return {.refusal = compiler.error().message};
    FAULT_POINT(vm_compile_begun);
    const std::uint64_t begun_ns = processor_time_ns();
    CompiledObject object =
        compile_function(**compiler, *job.module, job.function_index, job.loop_offset, is_ending_);
    compile_ns_ += processor_time_ns() - begun_ns;
    TRACE(vm, "compiled", job.function_index, job.loop_offset, object.refusal);
    if (!object.refusal.empty()) return {.refusal = object.refusal};
    CompiledCode code = load(job, object.bytes);
    if (cache_ && code.entry != nullptr)
        cache_->keep(*job.module, begin_of(job), std::move(object.bytes));
    return code;
}

void CompiledTier::enqueue(const Key& key, Job job) {
    const auto waiting = jobs_.find(key);
    if (waiting != jobs_.end()) {
        ++waiting->second.requests;
        return;
    }
    if (jobs_.size() == kJobsMax) return;
    jobs_.emplace(key, std::move(job));
    wake_.notify_one();
    if (threads_.size() == options_.threads) return;
    // Signals are for the threads that were there before.
    sigset_t all;
    sigset_t before;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_BLOCK, &all, &before);
    threads_.emplace_back([this] { serve(); });
    ++busy_threads_;
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

void CompiledTier::stop() {
    {
        const std::lock_guard guard(mutex_);
        is_ending_ = true;
    }
    wake_.notify_all();
    if (!cache_) return;
    const auto flushed = cache_->flush();
    TRACE(vm, "code_kept", flushed.ok());
}

bool CompiledTier::is_busy() const {
    const std::lock_guard guard(mutex_);
    return busy_threads_ != 0;
}

CompiledTier::Jobs::iterator CompiledTier::next_job() {
    auto hottest = jobs_.end();
    for (auto job = jobs_.begin(); job != jobs_.end(); ++job) {
        if (job->second.is_taken) continue;
        if (hottest == jobs_.end() || job->second.requests > hottest->second.requests)
            hottest = job;
    }
    return hottest;
}

void CompiledTier::serve() {
    static_cast<void>(
        ::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), kCompilingNiceness));
    const auto compiler = source_();
    std::unique_lock lock(mutex_);
    for (;;) {
        auto job = jobs_.end();
        --busy_threads_;
        wake_.wait(lock, [&] { return is_ending_ || (job = next_job()) != jobs_.end(); });
        if (is_ending_) return;
        ++busy_threads_;
        job->second.is_taken = true;
        const Job& taken = job->second;
        lock.unlock();
        CompiledCode code = make(compiler, taken);
        lock.lock();
        add(job->first, taken, std::move(code));
        // The guest may have come from one loop of a function to others while it waited, and now go
        // through all of them in what was made. Where it does not, it asks again.
        const auto digest = job->first.first;
        const std::uint32_t function_index = taken.function_index;
        jobs_.erase(job);
        std::erase_if(jobs_, [&](const auto& other) {
            return !other.second.is_taken && other.first.first == digest &&
                   other.second.function_index == function_index;
        });
    }
}

}  // namespace sojourn::vm
