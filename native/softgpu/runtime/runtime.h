/**
 * @file runtime.h
 * @brief The state of the process: devices, libraries, memory, streams, and the rules that tie them together.
 *
 * One lock serves all; every function here is called with it held (api.h takes it).
 */
#ifndef TERNARY_SOFTGPU_RUNTIME_RUNTIME_H_
#define TERNARY_SOFTGPU_RUNTIME_RUNTIME_H_

#include <cuda_runtime_api.h>

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "softgpu/runtime/environment.h"
#include "softgpu/runtime/failure.h"
#include "softgpu/runtime/library.h"
#include "softgpu/runtime/stream.h"
#include "softgpu/runtime/turns.h"
#include "softgpu/runtime/work_queue.h"

namespace ternary::softgpu {

class Runtime {
 public:
  /** Made at first use and never destroyed: libraries unregister at the very end of the process. */
  static Runtime& instance();

  Turns mutex;  // a destructor of a library may run inside a call

  // Devices. devices() throws CudaFailure where there are none, or the driver is too old, or the environment is wrong.
  std::vector<Device>& devices();
  Device& current_device() { return devices()[static_cast<size_t>(current_ordinal())]; }
  int current_ordinal();
  void set_current(int ordinal);
  /** Throws the error of a fault that has stopped the device. */
  void require_healthy();

  DeviceMemory& memory() { return *memory_; }
  WorkQueue& queue() { return *queue_; }
  const Environment& environment();
  /** What code must obey beyond PTX. */
  Rules rules() const;

  /** A function of the C interface was called. */
  void count_call(const char* function) { ++calls_[function]; }
  /** How often each was called since forget_calls(). */
  const std::map<std::string, uint64_t>& calls() const { return calls_; }
  void forget_calls() { calls_.clear(); }

  // Libraries.
  Library* add_library(const void* fatbin_wrapper);
  void remove_library(Library* library);
  /** Throws CudaFailure (98). */
  Kernel& kernel(const void* stub_or_kernel);
  void variable(const void* stand_in, uint64_t* address, uint64_t* bytes);
  const Code& code(Kernel& kernel, int ordinal);
  KernelOutline outline(const Kernel& kernel, int ordinal);
  /** What was made of libraries' PTX: the next launch loads it again. */
  void forget_images();

  // Streams and events.
  Stream& create_stream(unsigned flags, int priority);
  void destroy_stream(Stream& stream);
  /** Null and cudaStreamLegacy are the default stream of the current device, cudaStreamPerThread the thread's own. */
  Stream& stream(cudaStream_t handle);
  Event& create_event(unsigned flags);
  void destroy_event(Event& event);
  Event& event(cudaEvent_t handle);
  /** Appends to the stream, or to the graph it is captured into. Null where it is captured. */
  OperationRef submit(Stream& stream, WorkRef work);
  void record(Event& event, Stream& stream);
  void wait_event(Stream& stream, Event& event);

  // Captures.
  void begin_capture(Stream& stream, cudaStreamCaptureMode mode);
  /** The graph; throws CudaFailure, and the capture is over, if it cannot be one. */
  std::unique_ptr<Graph> end_capture(Stream& stream);
  cudaStreamCaptureMode exchange_capture_mode(cudaStreamCaptureMode mode);
  /** Throws 900 and invalidates the captures during which the calling thread must not make unsafe calls. */
  void forbid_while_capturing();
  /** Throws 900 and invalidates if the stream is captured. */
  void forbid_in_capture_of(Stream& stream);
  /** Throws 906 and invalidates where the default stream would have to wait for a captured one. */
  void forbid_legacy_stream_while_capturing(int device);
  std::vector<Capture*> captures_of_blocking_streams(int device);

  // Graphs.
  Graph* add_graph(std::unique_ptr<Graph> graph);
  Graph& graph(cudaGraph_t handle);
  void remove_graph(Graph& graph);
  GraphExec* instantiate(const Graph& graph);
  GraphExec& graph_exec(cudaGraphExec_t handle);
  void remove_graph_exec(GraphExec& exec);
  void launch(GraphExec& exec, Stream& stream);

  /** cudaDeviceReset(): forgets everything but the registered libraries. */
  void reset();

 private:
  Runtime();
  Stream& legacy_stream(int device);
  std::vector<OperationRef> needs_of(Stream& stream);
  size_t add_node(Stream& stream, WorkRef work);
  Image& image(const Kernel& kernel, int ordinal);
  void invalidate(Capture& capture) { capture.invalidated = true; }
  void forget_capture(Capture& capture);

  std::map<std::string, uint64_t> calls_;
  Environment environment_;
  std::string environment_error_;
  std::vector<Device> devices_;
  std::unique_ptr<DeviceMemory> memory_;
  std::unique_ptr<WorkQueue> queue_;
  std::vector<std::unique_ptr<Library>> libraries_;
  std::map<Stream*, std::unique_ptr<Stream>> streams_;
  std::map<int, Stream*> legacy_streams_;
  std::map<std::thread::id, Stream*> thread_streams_;
  std::map<Event*, std::unique_ptr<Event>> events_;
  std::map<Graph*, std::unique_ptr<Graph>> graphs_;
  std::map<GraphExec*, std::unique_ptr<GraphExec>> graph_execs_;
  std::vector<std::unique_ptr<Capture>> captures_;
  unsigned long long last_stream_id_ = 0;
  unsigned long long last_capture_id_ = 0;
};

}  // namespace ternary::softgpu

#endif  // TERNARY_SOFTGPU_RUNTIME_RUNTIME_H_
