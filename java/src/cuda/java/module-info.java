/** The native libraries that ternarykernels needs for NVIDIA GPUs. */
module org.ternarykernels.cuda {
  requires org.ternarykernels;
  // What DeviceBuffer and CudaStream are made with: required here, so that whoever has this jar on
  // the module path has
  // them.
  requires org.bytedeco.cuda;
  requires org.bytedeco.cuda.linux.x86_64;

  provides org.ternarykernels.natives.NativeFiles with
      org.ternarykernels.cuda.CudaNatives;
}
