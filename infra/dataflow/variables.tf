variable "project" {
  description = "Id of the project, best one of its own."
  type        = string
}

variable "region" {
  description = "Where everything is, such as europe-west4."
  type        = string
}

variable "corpus_bucket" {
  description = "Bucket of the files that are labelled; it is read alone."
  type        = string
}

variable "image" {
  description = "Image of the Dockerfile, by digest: REGION-docker.pkg.dev/PROJECT/emonet/emonet@sha256:..."
  type        = string

  validation {
    condition     = can(regex("@sha256:[0-9a-f]{64}$", var.image))
    error_message = "Give the image by its digest, so that launcher and workers are of one build."
  }
}
