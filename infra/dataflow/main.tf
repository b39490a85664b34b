# What a template of this job needs in a project: two buckets, a place for its image, the template
# itself, and two accounts. The worker's account labels; the launcher's account can start that very
# job as the worker, and nothing else. The service's own agent has what it needs by itself.
#
# roles/dataflow.worker may read and write objects of all buckets in its project, so give this job a
# project of its own. The corpus may lie in another one.

terraform {
  required_version = ">= 1.6"

  required_providers {
    google = {
      source  = "hashicorp/google"
      version = ">= 6.0, < 8.0"
    }
  }
}

provider "google" {
  project = var.project
  region  = var.region
}

locals {
  container_spec = {
    image    = var.image
    sdkInfo  = { language = "PYTHON" }
    metadata = jsondecode(file("${path.module}/metadata.json"))
  }
}

resource "google_project_service" "needed" {
  for_each           = toset(["artifactregistry", "compute", "dataflow", "storage"])
  service            = "${each.key}.googleapis.com"
  disable_on_destroy = false
}

resource "google_artifact_registry_repository" "images" {
  repository_id = "emonet"
  location      = var.region
  format        = "DOCKER"
  depends_on    = [google_project_service.needed]
}

resource "google_storage_bucket" "labelled" {
  name                        = "${var.project}-labelled"
  location                    = var.region
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
}

# what a launch and its workers leave behind, and the template
resource "google_storage_bucket" "staging" {
  name                        = "${var.project}-staging"
  location                    = var.region
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"

  lifecycle_rule {
    condition {
      age            = 14
      matches_prefix = ["staging/", "temp/"]
    }
    action {
      type = "Delete"
    }
  }
}

resource "google_storage_bucket_object" "template" {
  bucket       = google_storage_bucket.staging.name
  name         = "templates/emonet.json"
  content_type = "application/json"
  content      = jsonencode(local.container_spec)
}
