module consumer {
  requires org.ternarykernels;
  requires java.xml; // reads the list of JDKs
}
