#include "softgpu/runtime/runtime.h"

#include <algorithm>
#include <cstdio>
#include <stdexcept>

namespace ternary::softgpu {
namespace {

thread_local int current = 0;

template <class T>
void remove_from(std::vector<std::unique_ptr<T>>& owners, T* object) {
  owners.erase(std::remove_if(owners.begin(), owners.end(), [&](const auto& owner) { return owner.get() == object; }),
               owners.end());
}

}  // namespace

void say(const std::string& sentence) { std::fprintf(stderr, "softgpu: %s\n", sentence.c_str()); }

Runtime& Runtime::instance() {
  static Runtime* runtime = new Runtime;
  return *runtime;
}

Runtime::Runtime() {
  try {
    environment_ = read_environment();
    for (const Architecture& architecture : environment_.devices) {
      devices_.push_back(device_of(architecture));
      devices_.back().host_memory = environment_.host_memory;
    }
  } catch (const std::invalid_argument& error) {
    environment_error_ = error.what();
  }
  memory_ = std::make_unique<DeviceMemory>(environment_.uninitialised_reads, environment_.host_memory);
  queue_ = std::make_unique<WorkQueue>(*memory_, environment_);
  if (environment_.leaks) {
    std::atexit([] {
      const std::string leaks = instance().memory().leaks();
      if (!leaks.empty()) std::fputs(leaks.c_str(), stderr);
    });
  }
}

std::vector<Device>& Runtime::devices() {
  if (!environment_error_.empty()) throw CudaFailure(cudaErrorInitializationError, environment_error_);
  require(!environment_.driver_too_old, cudaErrorInsufficientDriver);
  require(!devices_.empty(), cudaErrorNoDevice);
  return devices_;
}

const Environment& Runtime::environment() { return environment_; }

Rules Runtime::rules() const {
  Rules rules;
  rules.exact_arithmetic = environment_.exact_arithmetic;
  return rules;
}

int Runtime::current_ordinal() {
  devices();
  return current;
}

void Runtime::set_current(int ordinal) {
  require(ordinal >= 0 && ordinal < static_cast<int>(devices().size()), cudaErrorInvalidDevice);
  current = ordinal;
}

void Runtime::require_healthy() {
  devices();
  require(queue_->fault() == cudaSuccess, queue_->fault());
}

Library* Runtime::add_library(const void* fatbin_wrapper) {
  libraries_.push_back(std::make_unique<Library>(fatbin_wrapper));
  return libraries_.back().get();
}

void Runtime::remove_library(Library* library) {
  queue_->wait_for_all();  // a launch may still be pending
  queue_->counters().forget_code();
  remove_from(libraries_, library);
}

Kernel& Runtime::kernel(const void* stub_or_kernel) {
  for (const auto& library : libraries_) {
    if (Kernel* kernel = library->find_kernel(stub_or_kernel)) return *kernel;
  }
  throw CudaFailure(cudaErrorInvalidDeviceFunction);
}

Image& Runtime::image(const Kernel& kernel, int ordinal) {
  return kernel.library->image(ordinal, devices()[static_cast<size_t>(ordinal)], *memory_, rules());
}

const Code& Runtime::code(Kernel& kernel, int ordinal) {
  try {
    return image(kernel, ordinal).kernel(kernel.name);
  } catch (const ptx::PtxError& error) {
    throw CudaFailure(cudaErrorInvalidPtx, error.what());
  }
}

KernelOutline Runtime::outline(const Kernel& kernel, int ordinal) {
  try {
    return image(kernel, ordinal).outline(kernel.name);
  } catch (const ptx::PtxError& error) {
    throw CudaFailure(cudaErrorInvalidPtx, error.what());
  }
}

void Runtime::variable(const void* stand_in, uint64_t* address, uint64_t* bytes) {
  for (const auto& library : libraries_) {
    const std::string* name = library->find_variable(stand_in);
    if (name == nullptr) continue;
    const int ordinal = current_ordinal();
    Image& image = library->image(ordinal, current_device(), *memory_, rules());
    require(image.variable(*name, address, bytes), cudaErrorInvalidSymbol);
    return;
  }
  throw CudaFailure(cudaErrorInvalidSymbol);
}

Stream& Runtime::create_stream(unsigned flags, int priority) {
  auto stream = std::make_unique<Stream>();
  stream->device = current_ordinal();
  stream->flags = flags;
  stream->priority = priority;
  stream->id = ++last_stream_id_;
  stream->chain = queue_->add_chain();
  Stream* key = stream.get();
  streams_[key] = std::move(stream);
  return *key;
}

void Runtime::destroy_stream(Stream& stream) {
  if (stream.capture != nullptr) {
    invalidate(*stream.capture);
    if (stream.capture->origin == &stream) {
      forget_capture(*stream.capture);
    } else {
      stream.capture->streams.erase(&stream);
    }
  }
  streams_.erase(&stream);  // what it has pending goes on
}

Stream& Runtime::legacy_stream(int device) {
  Stream*& stream = legacy_streams_[device];
  if (stream == nullptr) {
    stream = &create_stream(cudaStreamDefault, 0);
    stream->device = device;
  }
  return *stream;
}

Stream& Runtime::stream(cudaStream_t handle) {
  if (handle == nullptr || handle == cudaStreamLegacy) return legacy_stream(current_ordinal());
  if (handle == cudaStreamPerThread) {
    Stream*& stream = thread_streams_[std::this_thread::get_id()];
    if (stream == nullptr) stream = &create_stream(cudaStreamDefault, 0);
    return *stream;
  }
  Stream* stream = reinterpret_cast<Stream*>(handle);
  require(streams_.count(stream) > 0, cudaErrorInvalidResourceHandle);
  return *stream;
}

Event& Runtime::create_event(unsigned flags) {
  auto event = std::make_unique<Event>();
  event->device = current_ordinal();
  event->flags = flags;
  Event* key = event.get();
  events_[key] = std::move(event);
  return *key;
}

void Runtime::destroy_event(Event& event) { events_.erase(&event); }

Event& Runtime::event(cudaEvent_t handle) {
  Event* event = reinterpret_cast<Event*>(handle);
  require(events_.count(event) > 0, cudaErrorInvalidResourceHandle);
  return *event;
}

/** The default stream waits for all blocking streams of its device and they for it. */
std::vector<OperationRef> Runtime::needs_of(Stream& stream) {
  std::vector<OperationRef> needs{stream.tail};
  Stream& legacy = legacy_stream(stream.device);
  if (&stream == &legacy) {
    for (const auto& [key, other] : streams_) {
      if (other->blocking() && other->device == stream.device) needs.push_back(other->tail);
    }
  } else if (stream.blocking()) {
    needs.push_back(legacy.tail);
  }
  return needs;
}

OperationRef Runtime::submit(Stream& stream, WorkRef work) {
  if (stream.capture != nullptr) {
    add_node(stream, std::move(work));
    return nullptr;
  }
  Stream& legacy = legacy_stream(stream.device);
  if (&stream == &legacy) forbid_legacy_stream_while_capturing(stream.device);
  OperationRef overtakes;
  const bool kernels = stream.tail != nullptr && stream.tail->work->is_kernel && work->is_kernel;
  if (kernels && work->launch.programmatic) overtakes = stream.tail;
  stream.tail = queue_->enqueue(std::move(work), needs_of(stream), overtakes, stream.chain);
  return stream.tail;
}

void Runtime::record(Event& event, Stream& stream) {
  require(event.device == stream.device, cudaErrorInvalidResourceHandle);
  event.capture = 0;
  if (stream.capture != nullptr) {
    require(!stream.capture->invalidated, cudaErrorStreamCaptureInvalidated);
    event.capture = stream.capture->id;
    event.frontier = stream.frontier;
    event.recorded = nullptr;
    return;
  }
  auto mark = std::make_shared<Work>();
  mark->what = "cudaEventRecord";
  mark->device = stream.device;
  event.recorded = submit(stream, std::move(mark));
}

void Runtime::reset() {
  queue_->reset();
  streams_.clear();
  legacy_streams_.clear();
  thread_streams_.clear();
  events_.clear();
  graphs_.clear();
  graph_execs_.clear();
  captures_.clear();
  forget_images();
  memory_->free_all();
}

void Runtime::forget_images() {
  queue_->wait_for_all();
  queue_->counters().forget_code();
  for (const auto& library : libraries_) library->unload();
}

}  // namespace ternary::softgpu
