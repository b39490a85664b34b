resource "google_service_account" "worker" {
  account_id   = "emonet-worker"
  display_name = "Workers of emonet's jobs"
}

resource "google_project_iam_member" "worker" {
  project = var.project
  role    = "roles/dataflow.worker"
  member  = google_service_account.worker.member
}

resource "google_artifact_registry_repository_iam_member" "worker_image" {
  repository = google_artifact_registry_repository.images.name
  location   = var.region
  role       = "roles/artifactregistry.reader"
  member     = google_service_account.worker.member
}

resource "google_storage_bucket_iam_member" "worker_corpus" {
  bucket = var.corpus_bucket
  role   = "roles/storage.objectViewer"
  member = google_service_account.worker.member
}

# a manifest is replaced, and what was written last is read back
resource "google_storage_bucket_iam_member" "worker_labelled" {
  bucket = google_storage_bucket.labelled.name
  role   = "roles/storage.objectUser"
  member = google_service_account.worker.member
}

resource "google_storage_bucket_iam_member" "worker_staging" {
  bucket = google_storage_bucket.staging.name
  role   = "roles/storage.objectUser"
  member = google_service_account.worker.member
}

resource "google_service_account" "launcher" {
  account_id   = "emonet-launcher"
  display_name = "Whoever schedules emonet's nights"
}

resource "google_project_iam_member" "launcher" {
  project = var.project
  role    = "roles/dataflow.developer"
  member  = google_service_account.launcher.member
}

resource "google_service_account_iam_member" "launcher_as_worker" {
  service_account_id = google_service_account.worker.name
  role               = "roles/iam.serviceAccountUser"
  member             = google_service_account.launcher.member
}

resource "google_storage_bucket_iam_member" "launcher_template" {
  bucket = google_storage_bucket.staging.name
  role   = "roles/storage.objectViewer"
  member = google_service_account.launcher.member
}
