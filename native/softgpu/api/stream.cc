// Streams and events.
#include "softgpu/api/api.h"

using namespace ternary::softgpu;

namespace {

cudaError_t create_stream(cudaStream_t* stream, unsigned flags, int priority,
                          const char* function = __builtin_FUNCTION()) {
  return call(
      [&](Runtime& runtime) {
        require(stream != nullptr, cudaErrorInvalidValue);
        require(flags == cudaStreamDefault || flags == cudaStreamNonBlocking, cudaErrorInvalidValue);
        *stream = reinterpret_cast<cudaStream_t>(&runtime.create_stream(flags, priority));
      },
      function);
}

/** Runs a little, so that polling ends, and says whether the operation is complete. */
void query(Runtime& runtime, const OperationRef& operation) {
  if (operation == nullptr) return;
  if (!operation->complete) runtime.queue().advance();
  require(operation->complete, cudaErrorNotReady);
  runtime.queue().observe(operation);
}

/** The event, which must not be part of a capture. */
Event& eager_event(Runtime& runtime, cudaEvent_t handle) {
  Event& event = runtime.event(handle);
  require(event.capture == 0, cudaErrorCapturedEvent);
  return event;
}

/** The same for a call that asks or waits. */
Event& observed_event(Runtime& runtime, cudaEvent_t handle) {
  Event& event = eager_event(runtime, handle);
  runtime.forbid_while_capturing();
  return event;
}

}  // namespace

extern "C" {

cudaError_t cudaStreamCreate(cudaStream_t* stream) { return create_stream(stream, cudaStreamDefault, 0); }
cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned int flags) {
  return create_stream(stream, flags, 0);
}
cudaError_t cudaStreamCreateWithPriority(cudaStream_t* stream, unsigned int flags, int priority) {
  return create_stream(stream, flags, priority);
}

cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  return call([&](Runtime& runtime) {
    require(stream != nullptr && stream != cudaStreamLegacy && stream != cudaStreamPerThread,
            cudaErrorInvalidResourceHandle);
    runtime.destroy_stream(runtime.stream(stream));
  });
}

cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
  return call([&](Runtime& runtime) {
    Stream& waited = runtime.stream(stream);
    runtime.forbid_in_capture_of(waited);
    runtime.forbid_while_capturing();
    runtime.queue().wait_for(waited.tail);
  });
}

cudaError_t cudaStreamQuery(cudaStream_t stream) {
  return call([&](Runtime& runtime) {
    Stream& asked = runtime.stream(stream);
    runtime.forbid_in_capture_of(asked);
    runtime.forbid_while_capturing();
    query(runtime, asked.tail);
  });
}

cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned int flags) {
  return call([&](Runtime& runtime) {
    require(flags == cudaEventWaitDefault, cudaErrorInvalidValue);
    runtime.wait_event(runtime.stream(stream), runtime.event(event));
  });
}

cudaError_t cudaStreamGetId(cudaStream_t stream, unsigned long long* id) {
  return call([&](Runtime& runtime) {
    require(id != nullptr, cudaErrorInvalidValue);
    *id = runtime.stream(stream).id;
  });
}

cudaError_t cudaStreamGetFlags(cudaStream_t stream, unsigned int* flags) {
  return call([&](Runtime& runtime) {
    require(flags != nullptr, cudaErrorInvalidValue);
    *flags = runtime.stream(stream).flags;
  });
}

cudaError_t cudaStreamGetPriority(cudaStream_t stream, int* priority) {
  return call([&](Runtime& runtime) {
    require(priority != nullptr, cudaErrorInvalidValue);
    *priority = runtime.stream(stream).priority;
  });
}

cudaError_t cudaStreamGetDevice(cudaStream_t stream, int* device) {
  return call([&](Runtime& runtime) {
    require(device != nullptr, cudaErrorInvalidValue);
    *device = runtime.stream(stream).device;
  });
}

cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned int flags) {
  return call([&](Runtime& runtime) {
    require(event != nullptr, cudaErrorInvalidValue);
    constexpr unsigned kKnown = cudaEventBlockingSync | cudaEventDisableTiming;
    require((flags & ~kKnown) == 0, cudaErrorInvalidValue);
    *event = reinterpret_cast<cudaEvent_t>(&runtime.create_event(flags));
  });
}

cudaError_t cudaEventCreate(cudaEvent_t* event) { return cudaEventCreateWithFlags(event, cudaEventDefault); }

cudaError_t cudaEventDestroy(cudaEvent_t event) {
  return call([&](Runtime& runtime) { runtime.destroy_event(runtime.event(event)); });
}

cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
  return call([&](Runtime& runtime) { runtime.record(runtime.event(event), runtime.stream(stream)); });
}

cudaError_t cudaEventRecordWithFlags(cudaEvent_t event, cudaStream_t stream, unsigned int flags) {
  if (flags != cudaEventRecordDefault) return remember(cudaErrorNotSupported);
  return cudaEventRecord(event, stream);
}

cudaError_t cudaEventSynchronize(cudaEvent_t event) {
  return call([&](Runtime& runtime) { runtime.queue().wait_for(observed_event(runtime, event).recorded); });
}

cudaError_t cudaEventQuery(cudaEvent_t event) {
  return call([&](Runtime& runtime) { query(runtime, observed_event(runtime, event).recorded); });
}

cudaError_t cudaEventElapsedTime(float* milliseconds, cudaEvent_t start, cudaEvent_t end) {
  return call([&](Runtime& runtime) {
    require(milliseconds != nullptr, cudaErrorInvalidValue);
    Event& first = eager_event(runtime, start);
    Event& second = eager_event(runtime, end);
    const bool timed = ((first.flags | second.flags) & cudaEventDisableTiming) == 0;
    require(timed && first.recorded != nullptr && second.recorded != nullptr, cudaErrorInvalidResourceHandle);
    require(first.recorded->complete && second.recorded->complete, cudaErrorNotReady);
    *milliseconds = static_cast<float>((second.recorded->completed_at - first.recorded->completed_at) * 1e3);
  });
}

}  // extern "C"
